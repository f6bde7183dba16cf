import { type FileHandle, mkdir, open } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import type { TensorBoardOptions } from "../../../base/recipe/recipe.ts";
import type { JsonObject } from "../../../model/files/json-file.ts";
import type { ProtoMessage } from "../protobuf.ts";
import type { Facts, Opened, Outcome, Point, TrackedRun, Tracker } from "../tracker.ts";
import { restartEvent, scalarsEvent, textEvent, versionEvent } from "./events.ts";
import { framedRecord } from "./records.ts";

/** Event files: one for each process that trains the run, in one folder. */
export class TensorBoard implements Tracker {
  readonly title = "TensorBoard";
  readonly takesBack = true;
  readonly #options: TensorBoardOptions;
  #file: FileHandle | undefined;
  /** What is whole; a write that fails is made again from here. */
  #bytes = 0;
  #begun = false;
  #step = 0;

  constructor(options: TensorBoardOptions) {
    this.#options = options;
  }

  async open(run: TrackedRun, kept: JsonObject | undefined): Promise<Opened> {
    const folder =
      this.#options.folder === null
        ? join(run.folder, "tensorboard")
        : join(this.#options.folder, basename(run.folder));
    await mkdir(folder, { recursive: true });
    this.#file ??= await newFile(folder, run.time);
    if (!this.#begun) {
      const begin = [versionEvent(run.time)];
      if (kept) begin.push(restartEvent(run.time, run.firstStep));
      begin.push(textEvent(run.time, run.firstStep, "config", markdownTable(run.config)));
      await this.#append(begin);
      this.#begun = true;
    }
    return { kept: { folder }, where: folder };
  }

  async write(points: readonly Point[]): Promise<void> {
    await this.#append(points.map(scalarsEvent));
    this.#step = points.at(-1)!.step;
  }

  async close({ status, facts }: Outcome): Promise<void> {
    await this.#append([textEvent(Date.now(), this.#step, "summary", markdownTable({ status, ...facts }))]);
    await this.#file!.close();
  }

  async #append(events: readonly ProtoMessage[]): Promise<void> {
    const bytes = Buffer.concat(events.map((event) => framedRecord(event.encode())));
    for (let done = 0; done < bytes.length; ) {
      done += (await this.#file!.write(bytes, done, bytes.length - done, this.#bytes + done)).bytesWritten;
    }
    this.#bytes += bytes.length;
  }
}

/** TensorBoard reads a folder's files in the order of the seconds in their names. */
async function newFile(folder: string, time: number): Promise<FileHandle> {
  for (let seconds = Math.floor(time / 1000); ; seconds++) {
    try {
      return await open(join(folder, `events.out.tfevents.${seconds}.${hostname()}`), "wx");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

function markdownTable(facts: Facts): string {
  const cell = (value: unknown): string => String(value).replace(/[|\\]/g, "\\$&").replace(/\s+/g, " ");
  const rows = Object.entries(facts).map(([name, value]) => `| ${cell(name)} | ${cell(value)} |`);
  return ["| option | value |", "| --- | --- |", ...rows].join("\n");
}
