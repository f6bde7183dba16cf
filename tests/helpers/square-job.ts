/** A job for threads: squares, errors for users, bugs, and the end of the thread. */
import { threadId } from "node:worker_threads";
import { UserError } from "../../src/base/errors.ts";
import type { JobModule } from "../../src/base/threads/job.ts";

export interface Squared {
  readonly square: number;
  readonly thread: number;
}

export const start: JobModule<{ readonly refused: number }, number, Squared>["start"] =
  ({ refused }) =>
  (input) => {
    if (input === refused)
      throw new UserError({ code: "test/refused", message: "refused", where: `f:${input}`, fix: "go" });
    if (input === -1) throw new RangeError("a bug");
    if (input === -2) process.exit(3);
    return { square: input * input, thread: threadId };
  };

export const handedOver = (): readonly never[] => [];
