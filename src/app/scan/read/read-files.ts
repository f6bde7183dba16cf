/** The files of a tree, read while others are scored. */
import { runJobs } from "../../../base/threads/run-jobs.ts";
import type { FoundFile, Location } from "../walk/walk-tree.ts";
import { type ReadSetup, start } from "./read-job.ts";
import type { Source } from "./read-source.ts";

/** Files that a thread reads at a time: few enough that even the largest fit into memory, a few times over. */
const TOGETHER = 32;
/** Fewer files are read before a thread has started. */
const WORTH_THREADS = 2000;
const THREADS = 2;

/** In their order. */
export async function* readFiles(
  files: readonly FoundFile[],
  maxBytes: number,
): AsyncGenerator<readonly [file: FoundFile, source: Source]> {
  const batches = function* (): Generator<Location[]> {
    for (let at = 0; at < files.length; at += TOGETHER) {
      yield files.slice(at, at + TOGETHER).map(({ location }) => location);
    }
  };
  const setup = { maxBytes };
  const module = new URL("./read-job.js", import.meta.url);
  const threads = files.length < WORTH_THREADS ? 0 : THREADS;
  let at = 0;
  const job = { here: start(setup), module, setup };
  for await (const sources of runJobs<ReadSetup, readonly Location[], Source[]>(job, batches(), threads)) {
    for (const source of sources) yield [files[at++]!, source];
  }
}
