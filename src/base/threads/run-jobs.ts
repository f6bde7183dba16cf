import { setImmediate as nextTurn } from "node:timers/promises";
import type { Job } from "./job.ts";
import { JobThread } from "./job-thread.ts";

export interface ThreadedJob<Setup, Input, Output> {
  /** The same job in this thread. */
  readonly here: Job<Input, Output>;
  /** Of a module that exports a `JobModule`. */
  readonly module: URL;
  readonly setup: Setup;
}

/** Inputs that a thread has at a time, so that it need not wait for the next. */
const INPUTS_PER_THREAD = 2;

/**
 * Outputs in the order of the inputs, however many threads there are; of inputs there are never more than a few under
 * way. While threads are still starting, this one does the job.
 * @param threads besides this one; with one at most, this one does all
 * @throws what the job throws, when it is the input's turn
 */
export async function* runJobs<Setup, Input, Output>(
  { here, module, setup }: ThreadedJob<Setup, Input, Output>,
  inputs: Iterable<Input> | AsyncIterable<Input>,
  threads: number,
): AsyncGenerator<Output> {
  const crew = Array.from(
    { length: threads > 1 ? threads : 0 },
    () => new JobThread<Setup, Input, Output>(module, setup),
  );
  const underWay: Promise<Output>[] = [];
  try {
    for await (const input of inputs) {
      const ready = crew.filter((thread) => thread.ready).sort((a, b) => a.load - b.load)[0];
      const output = ready?.run(input) ?? outputHere(here, input);
      // It is looked at when its turn comes; until then it counts as handled.
      output.catch(() => {});
      underWay.push(output);
      if (ready === undefined) await nextTurn();
      while (underWay.length >= Math.max(1, INPUTS_PER_THREAD * crew.length)) yield await underWay.shift()!;
    }
    while (underWay.length > 0) yield await underWay.shift()!;
  } finally {
    await Promise.all(crew.map((thread) => thread.end()));
  }
}

async function outputHere<Input, Output>(job: Job<Input, Output>, input: Input): Promise<Output> {
  return job(input);
}
