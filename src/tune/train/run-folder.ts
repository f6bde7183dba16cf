/**
 * The run folder is the whole interface between training and everything that looks at it:
 *
 *   run.json       what the run is and how it stands (RunInfo)
 *   recipe.yaml    the recipe with every automatic choice and its reason
 *   metrics.jsonl  one event a line
 *   splits.json    which rows each set has, where some are parts of the training files (Splits)
 *   checkpoints/   step-000200/ …, the newest ones and the best
 *   adapter/ or model/   the result
 *   run.lock       held by the process that writes
 */
import { appendFileSync, existsSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { Ledger, RunEvent, Taken } from "../../base/events.ts";
import type { HubSource } from "../../base/hub-name.ts";
import type { HeadOptions, Recipe, TemplateOptions } from "../../base/recipe/recipe.ts";
import { makeFolder, writeFileAtomic } from "../../model/files/atomic.ts";
import { fileError } from "../../model/files/file-error.ts";
import { type JsonObject, parseJsonObject, readTextFile } from "../../model/files/json-file.ts";
import { type FileLock, LockedError, lockFile } from "../../model/files/lock-file.ts";
import type { PreparationStep } from "../data/prepare/preparation.ts";
import type { SettledChoices } from "./memory/plan-memory.ts";
import type { SetCounts } from "./run-data.ts";
import type { Splits } from "./splits.ts";

export interface RunInfo {
  readonly version: 1;
  readonly status: "running" | "finished" | "stopped early" | "interrupted" | "failed";
  /** Folder of the base model, absolute. */
  readonly base: string;
  /** Where the base is from: a commit of a model of the hub, or null for a folder. */
  readonly hub: HubSource | null;
  readonly method: Recipe["method"];
  readonly task_type: Recipe["task_type"];
  readonly problem_type: Recipe["problem_type"];
  readonly head: HeadOptions | null;
  readonly quantization: Recipe["quantization"] | null;
  readonly labels: readonly string[] | null;
  readonly template: TemplateOptions;
  readonly columns: Recipe["data"]["columns"];
  /** sha256 of the chat template that the model was trained with. */
  readonly templateHash: string | null;
  readonly data: {
    readonly train: SetCounts;
    readonly validation: SetCounts | null;
    /** What was done to the rows before they were encoded, in order. */
    readonly preparation: readonly PreparationStep[];
  };
  /** Which folder holds the result. */
  readonly weights: "adapter" | "model";
  /** sha256 of the result's safetensors file; null until there is one. */
  readonly weightsSha256: string | null;
  readonly steps: number;
  readonly totalSteps: number;
  readonly seconds: number;
  /** Of the process, in the machine's memory. */
  readonly peakMemoryBytes: number;
  /** Automatic choices that reach the numbers: a run is gone on with by the same. */
  readonly settled: SettledChoices;
  readonly predicted: Taken;
  /** Null until training is over. */
  readonly measured: Taken | null;
  readonly trainableParameters: number;
  readonly ledger: Ledger | null;
  /** Version of Fettle that wrote it. */
  readonly fettle: string;
}

const INFO_FILE = "run.json";
export const SPLITS_FILE = "splits.json";
const MAX_INFO_BYTES = 2 ** 24;

/** A run folder that this process writes; dispose of it to give up the lock. */
export class RunFolder implements Disposable {
  readonly path: string;
  readonly #lock: FileLock;

  private constructor(path: string, lock: FileLock) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Makes the folder, or takes over one that is there.
   * @throws UserError when another process writes it, or it cannot be made.
   */
  static open(path: string): RunFolder {
    makeFolder(join(path, "checkpoints"));
    return new RunFolder(path, lockRun(path));
  }

  get checkpoints(): string {
    return join(this.path, "checkpoints");
  }

  writeRecipe(text: string): void {
    writeFileAtomic(join(this.path, "recipe.yaml"), text);
  }

  writeInfo(info: RunInfo): void {
    writeFileAtomic(join(this.path, INFO_FILE), `${JSON.stringify(info, null, 2)}\n`);
  }

  writeSplits(splits: Splits): void {
    writeFileAtomic(join(this.path, SPLITS_FILE), `${JSON.stringify(splits)}\n`);
  }

  /** Appends an event to metrics.jsonl, with the time. */
  append(event: RunEvent): void {
    const path = join(this.path, "metrics.jsonl");
    try {
      appendFileSync(path, `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`);
    } catch (error) {
      throw fileError("write", path, error);
    }
  }

  /** How long metrics.jsonl is: a checkpoint notes it, so that what a crash left after it can be cut off. */
  metricsBytes(): number {
    const path = join(this.path, "metrics.jsonl");
    return existsSync(path) ? statSync(path).size : 0;
  }

  truncateMetrics(bytes: number): void {
    const path = join(this.path, "metrics.jsonl");
    if (this.metricsBytes() > bytes) truncateSync(path, bytes);
  }

  [Symbol.dispose](): void {
    this.#lock.release();
  }
}

function lockRun(folder: string): FileLock {
  try {
    return lockFile(join(folder, "run.lock"));
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
    const { path, holder, elsewhere } = error;
    throw new UserError({
      code: "run/locked",
      message: `another process writes this run: ${holder.pid} on ${holder.host}`,
      where: path,
      fix: elsewhere
        ? "wait for it, or take another output; if that machine is gone, delete the file"
        : "wait for it, stop it, or take another output",
    });
  }
}

/** True when the folder is one that `fettle train` made. */
export function isRunFolder(path: string): boolean {
  return existsSync(join(path, INFO_FILE));
}

/** @throws UserError when run.json is missing, damaged, or of a version that is not known. */
export function readRunInfo(path: string): RunInfo {
  const file = join(path, INFO_FILE);
  const json: JsonObject = parseJsonObject(readTextFile(file, MAX_INFO_BYTES), file);
  if (json.version === 1 && typeof json.base === "string" && typeof json.method === "string") {
    return json as unknown as RunInfo;
  }
  throw new UserError({
    code: "run/unknown-version",
    message: "run.json is not of a version that this Fettle reads",
    where: file,
    fix: "use the Fettle that wrote the run, or train again",
  });
}
