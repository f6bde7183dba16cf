import { randomInt } from "node:crypto";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import type { WandbOptions } from "../../../base/recipe/recipe.ts";
import type { JsonObject } from "../../../model/files/json-file.ts";
import { earlierPoints } from "../earlier-points.ts";
import type { ProtoMessage } from "../protobuf.ts";
import type { Facts, Opened, Outcome, Point, TrackedRun, Tracker } from "../tracker.ts";
import { loggedRecord, logHeader } from "./log-file.ts";
import { exitRecord, headerRecord, historyRecord, numbered, runRecord, statsRecord, summaryRecord } from "./records.ts";
import { systemNames } from "./system-names.ts";

/** `wandb sync` shows a failed run as failed, and one that was stopped as killed. */
const exitCodes: Readonly<Record<Outcome["status"], number>> = {
  finished: 0,
  "stopped early": 0,
  interrupted: 255,
  failed: 1,
};

interface Row {
  readonly step: number;
  readonly time: number;
  readonly values: Facts;
}

/**
 * A folder for `wandb sync`, in the run folder. A run that is gone on with is written anew from its metrics.jsonl, under
 * the same id: the file holds what the run holds.
 */
export class WandbOffline implements Tracker {
  readonly title = "W&B";
  readonly takesBack = true;
  readonly #options: WandbOptions;
  #id = "";
  #file: FileHandle | undefined;
  /** What is whole; a write that fails is made again from here. */
  #bytes = 0;
  #records = 0;
  #begin = 0;
  /** Of the last step, which may have more to come: W&B has one row a step. */
  #row: Row | undefined;

  constructor(options: WandbOptions) {
    this.#options = options;
  }

  async open(run: TrackedRun, kept: JsonObject | undefined): Promise<Opened> {
    const { entity, project, name, tags } = this.#options;
    this.#id ||= kept ? String(kept.id) : newId();
    const points = kept ? await earlierPoints(run) : [];
    this.#begin = points[0]?.time ?? run.time;
    const folder = kept ? String(kept.folder) : `offline-run-${dateOf(run.time)}-${this.#id}`;
    const path = join(run.folder, "wandb", folder);
    await mkdir(path, { recursive: true });
    await this.#file?.close();
    this.#file = await open(join(path, `run-${this.#id}.wandb`), "w");
    this.#bytes = (await this.#file.write(logHeader, 0, logHeader.length, 0)).bytesWritten;
    this.#records = 0;
    this.#row = undefined;
    const about = { id: this.#id, entity, project, name: name ?? run.name, tags };
    await this.#append([headerRecord("fettle"), runRecord({ ...about, config: run.config, time: this.#begin })]);
    await this.write(points);
    return { kept: { id: this.#id, folder }, where: path };
  }

  async write(points: readonly Point[]): Promise<void> {
    const records: ProtoMessage[] = [];
    let row = this.#row;
    for (const { kind, step, time, values } of points) {
      if (kind === "system") records.push(statsRecord(time, systemNames(values)));
      else if (row?.step === step) row = { step, time: row.time, values: { ...row.values, ...values } };
      else {
        if (row) records.push(...this.#recordsOf(row));
        row = { step, time, values };
      }
    }
    await this.#append(records);
    this.#row = row;
  }

  async close({ status, facts }: Outcome): Promise<void> {
    const last = this.#row ? this.#recordsOf(this.#row) : [];
    const named = Object.entries({ status, ...facts }).map(([name, value]) => [`fettle.${name}`, value] as const);
    const seconds = Math.max(0, Math.round((Date.now() - this.#begin) / 1000));
    await this.#append([...last, summaryRecord(Object.fromEntries(named)), exitRecord(exitCodes[status], seconds)]);
    await this.#file!.close();
  }

  #recordsOf({ step, time, values }: Row): ProtoMessage[] {
    const clock = { _timestamp: time / 1000, _runtime: (time - this.#begin) / 1000, _step: step };
    const all = { ...values, ...clock };
    return [summaryRecord(all), historyRecord(step, all)];
  }

  async #append(records: readonly ProtoMessage[]): Promise<void> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (const [i, record] of records.entries()) {
      const data = numbered(record, this.#records + i + 1, this.#id);
      const part = loggedRecord(data, this.#bytes + length);
      parts.push(part);
      length += part.length;
    }
    const bytes = Buffer.concat(parts);
    for (let done = 0; done < bytes.length; ) {
      done += (await this.#file!.write(bytes, done, bytes.length - done, this.#bytes + done)).bytesWritten;
    }
    this.#bytes += length;
    this.#records += records.length;
  }
}

/** Eight small letters and digits, as W&B's own are. */
function newId(): string {
  return Array.from({ length: 8 }, () => randomInt(36).toString(36)).join("");
}

/** 20260102_030405, in UTC. */
function dateOf(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "_");
}
