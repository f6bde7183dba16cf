/** Starts a command as several processes on this machine, by the contract of torchrun, and sees all of them end. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { UserError } from "../../base/errors.ts";
import { freePort } from "../../base/free-port.ts";
import { processPlace } from "../process-place.ts";
import type { Terminal } from "./terminal.ts";

/** When one has failed, the others end by themselves; what is left after so long is ended. */
const END_MS = 35_000;

/** Where all processes of a machine find rank 0. */
const HERE = "127.0.0.1";

/**
 * Rank 0 has this process's input and output. Signals are passed on, once each: Ctrl-C of a terminal would reach the
 * processes by itself, so that they leave it to this one.
 * @param words the command's, after `fettle`
 * @returns rank 0's exit code
 * @throws UserError where these are processes of another launcher already, or rank 0 was ended from outside
 */
export async function launchProcesses(count: number, words: readonly string[], terminal: Terminal): Promise<number> {
  const place = processPlace();
  if (place !== undefined) {
    throw new UserError({
      code: "processes/twice",
      message: `${place.launcher} has started ${place.size} processes, each of which would start ${count} more`,
      fix: "leave out --processes and --gpus",
    });
  }
  const shared = {
    ...process.env,
    ...{ WORLD_SIZE: String(count), LOCAL_WORLD_SIZE: String(count) },
    ...{ MASTER_ADDR: HERE, MASTER_PORT: String(await freePort()), FETTLE_JOB: randomBytes(16).toString("hex") },
  };
  const children = Array.from({ length: count }, (_, rank) =>
    spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...words], {
      env: { ...shared, RANK: String(rank), LOCAL_RANK: String(rank) },
      stdio: rank === 0 ? "inherit" : ["ignore", "ignore", "inherit"],
    }),
  );
  let stopping = false;
  const stop = (): void => {
    // A process that waits for another hears no second signal.
    for (const child of children) child.kill(stopping ? "SIGKILL" : "SIGTERM");
    stopping = true;
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    const [first] = await Promise.all(children.map((child) => ended(child, children)));
    if (first!.signal === null) return first!.code ?? 2;
    throw new UserError({
      code: "processes/lost",
      message: `rank 0 of ${count} (process ${children[0]!.pid}) was ended by ${first!.signal}`,
      fix: "if nobody did so, the system may have, for want of memory; --resume goes on from the last checkpoint",
    });
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
    terminal.endProgress();
  }
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

function ended(child: ChildProcess, all: readonly ChildProcess[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      resolve({ code, signal });
      if (code === 0) return;
      setTimeout(() => {
        for (const other of all) other.kill("SIGKILL");
      }, END_MS).unref();
    });
  });
}
