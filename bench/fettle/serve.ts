/** The contestant's side of `harness/contestant.ts`, for Fettle. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Job } from "../harness/jobs.ts";

/** Steps before the first that counts: kernels are compiled, memory is cached, code is optimised. */
const WARM_UP = 3;

/** Steps of a measurement, however long they take. */
const LEAST_STEPS = 3;

const idleBytes = peakBytes();

/** The job whose path this process was given. */
export function readJob<T extends Job>(): T {
  return JSON.parse(readFileSync(process.argv[2]!, "utf8")) as T;
}

/** @param step does the work of one batch; its loss, where there is one */
export async function serve<T>(
  description: string,
  batches: readonly T[],
  step: (batch: T) => number | undefined,
): Promise<void> {
  let next = 0;
  const run = (): number | undefined => step(batches[next++ % batches.length]!);
  const loss = run();
  for (let i = 1; i < WARM_UP; i++) run();
  answer({ description, idleBytes, loss });
  for await (const line of createInterface({ input: process.stdin })) {
    const wanted = (JSON.parse(line) as { seconds: number }).seconds;
    const seconds: number[] = [];
    for (let total = 0; total < wanted || seconds.length < LEAST_STEPS; total += seconds.at(-1)!) {
      const begin = performance.now();
      run();
      seconds.push((performance.now() - begin) / 1000);
    }
    answer({ seconds });
  }
  answer({ peakBytes: peakBytes() });
}

function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

function answer(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
