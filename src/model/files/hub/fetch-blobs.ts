import { statfsSync } from "node:fs";
import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import { type BlobOptions, downloadBlob, type HubFile, hasBlob } from "./download-blob.ts";

/** Files fetched at the same time: enough to fill a line, few enough to be no burden. */
const MAX_AT_ONCE = 4;
/** Ms between two progress events. */
const EVENT_INTERVAL = 100;

export interface FetchOptions extends Omit<BlobOptions, "onBytes"> {
  /** Stops the others when one has failed. */
  readonly stop: () => void;
  readonly onEvent: EventSink;
}

/**
 * Fetches those that are not there, several at a time.
 * @returns bytes fetched
 * @throws UserError when the disk is too small, and what `downloadBlob` throws first
 */
export async function fetchBlobs(files: readonly HubFile[], options: FetchOptions): Promise<number> {
  const missing: HubFile[] = [];
  for (const file of files) if (!(await hasBlob(options.blobs, file))) missing.push(file);
  const unique = [...new Map(missing.map((file) => [file.digest, file])).values()];
  const total = unique.reduce((sum, { size }) => sum + size, 0);
  refuseSmallDisk(options.blobs, total);
  const progress = new PullProgress(options.client.name.repo, total, options.onEvent);
  const queue = unique.values();
  let failure: unknown;
  const work = async (): Promise<void> => {
    for (const file of queue) {
      try {
        await downloadBlob(file, { ...options, onBytes: (bytes) => progress.add(bytes) });
      } catch (error) {
        // What follows the first failure are requests that were stopped.
        failure ??= error;
        options.stop();
      }
      if (failure !== undefined) return;
    }
  };
  await Promise.all(Array.from({ length: MAX_AT_ONCE }, work));
  if (failure !== undefined) throw failure;
  progress.end();
  return total;
}

/** Bytes on their way, told in a unit that makes numbers of a few digits. */
class PullProgress {
  readonly #repo: string;
  readonly #total: number;
  readonly #unit: "kB" | "MB";
  readonly #onEvent: EventSink;
  #done = 0;
  #told = -EVENT_INTERVAL;

  constructor(repo: string, total: number, onEvent: EventSink) {
    this.#repo = repo;
    this.#total = total;
    this.#unit = total < 1e7 ? "kB" : "MB";
    this.#onEvent = onEvent;
  }

  add(bytes: number): void {
    this.#done += bytes;
    const now = performance.now();
    if (now - this.#told < EVENT_INTERVAL || this.#done >= this.#total) return;
    this.#told = now;
    this.#emit(Math.floor(this.#inUnit(this.#done)));
  }

  /** The event that ends the bar. */
  end(): void {
    if (this.#total > 0) this.#emit(this.#units);
  }

  get #units(): number {
    return Math.ceil(this.#inUnit(this.#total));
  }

  #inUnit(bytes: number): number {
    return bytes / (this.#unit === "kB" ? 1e3 : 1e6);
  }

  #emit(done: number): void {
    this.#onEvent({ kind: "progress", task: `fetching ${this.#repo}`, done, total: this.#units, unit: this.#unit });
  }
}

/** Before an hour of downloading, not after it. What is there of a file counts twice, which is on the safe side. */
function refuseSmallDisk(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (bytes <= free) return;
  throw new UserError({
    code: "files/disk-full",
    message: `the files have ${gigabytes(bytes)}, and the disk has ${gigabytes(free)} free`,
    where: folder,
    fix: "free some space, or put the cache on another disk: HF_HUB_CACHE, or cache.models in the recipe",
  });
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e9 ? 3 : 1)} GB`;
}
