/** Several processes at one sweep: each run is done by one of them, whoever comes to it first. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../base/errors.ts";
import type { Combination } from "../../base/sweep/sweep.ts";
import { makeFolder } from "../../model/files/atomic.ts";
import { LockedError, lockFile } from "../../model/files/lock-file.ts";

/** Which of the processes that share a sweep. */
export interface SweepShard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

export const noLock: Disposable = { [Symbol.dispose]: () => {} };

/** Writing the table takes milliseconds. */
const LONGEST_TURN_MS = 60_000;
const PAUSE_MS = 50;

/** A process begins with its own part; what others have not come to, it does afterwards. */
export function inTurn<T>(open: readonly T[], { index, count }: SweepShard): T[] {
  const begin = Math.floor((open.length * (index - 1)) / count);
  return [...open.slice(begin), ...open.slice(0, begin)];
}

/** Undefined where another process has the run. */
export function claimRun({ loaded }: Combination): Disposable | undefined {
  const { output } = loaded.recipe;
  makeFolder(output);
  try {
    return disposable(lockFile(join(output, "sweep.lock")).release);
  } catch (error) {
    if (error instanceof LockedError) return undefined;
    throw error;
  }
}

/** For the table of the whole sweep, which all of them write. */
export async function turnToWrite(output: string): Promise<Disposable> {
  for (const until = performance.now() + LONGEST_TURN_MS; performance.now() < until; ) {
    try {
      return disposable(lockFile(join(output, "sweep.lock")).release);
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
    }
    await sleep(PAUSE_MS);
  }
  return lockSweep(output);
}

/** The whole sweep, for one process alone. @throws UserError where another one has it */
export function lockSweep(output: string): Disposable {
  try {
    return disposable(lockFile(join(output, "sweep.lock")).release);
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
    throw new UserError({
      code: "sweep/locked",
      message: `another process runs this sweep: ${error.holder.pid} on ${error.holder.host}`,
      where: error.path,
      fix: "wait for it, stop it, or take another --output",
    });
  }
}

function disposable(release: () => void): Disposable {
  return { [Symbol.dispose]: release };
}
