/** `track.json` in the run folder: which tracked runs it is, and how far they have been told of it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../base/errors.ts";
import { writeFileAtomic } from "../../model/files/atomic.ts";
import { isJsonObject, type JsonObject, parseJsonObject, readTextFile } from "../../model/files/json-file.ts";
import type { Point } from "./tracker.ts";

const MAX_BYTES = 2 ** 20;

export class TrackFile {
  readonly #path: string;
  readonly #before: JsonObject;
  readonly #now: JsonObject;
  readonly #warn: (message: string) => void;
  #warned = false;

  /** @param fresh the run begins: what an earlier run left in this folder is of no concern */
  constructor(folder: string, fresh: boolean, warn: (message: string) => void) {
    this.#path = join(folder, "track.json");
    this.#warn = warn;
    this.#before = fresh ? {} : this.#read();
    this.#now = structuredClone(this.#before);
  }

  /** What leads to the run of this tracker; undefined if it was never told of it. */
  kept(name: string): JsonObject | undefined {
    return objectAt(objectAt(this.#now, name) ?? {}, "kept");
  }

  keep(name: string, kept: JsonObject): void {
    this.#change(name, { kept });
  }

  /** The last step of which an earlier process told it; -1 without. */
  sentBefore(name: string, kind: Point["kind"]): number {
    const step = objectAt(objectAt(this.#before, name) ?? {}, "sent")?.[kind];
    return typeof step === "number" ? step : -1;
  }

  noteSent(name: string, points: readonly Point[]): void {
    const sent = objectAt(objectAt(this.#now, name) ?? {}, "sent") ?? {};
    this.#change(name, { sent: { ...sent, ...Object.fromEntries(points.map(({ kind, step }) => [kind, step])) } });
  }

  noteLost(name: string, lost: number): void {
    this.#change(name, { lost });
  }

  #change(name: string, values: JsonObject): void {
    this.#now[name] = { ...objectAt(this.#now, name), ...values };
    try {
      writeFileAtomic(this.#path, `${JSON.stringify(this.#now, null, 2)}\n`);
    } catch (error) {
      this.#trouble(error);
    }
  }

  #read(): JsonObject {
    try {
      return existsSync(this.#path) ? parseJsonObject(readTextFile(this.#path, MAX_BYTES), this.#path) : {};
    } catch (error) {
      this.#trouble(error);
      return {};
    }
  }

  #trouble(error: unknown): void {
    if (!this.#warned) this.#warn(`a resumed run will be a new one for trackers: ${messageOf(error)}`);
    this.#warned = true;
  }
}

function objectAt(values: JsonObject, key: string): JsonObject | undefined {
  const value = values[key];
  return isJsonObject(value) ? value : undefined;
}
