/** Stops a run, and goes on with one. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { livingHolder } from "../../model/files/lock-file.ts";
import { ApiError } from "../serve/http/api-error.ts";

/** What a run that was gone on with from here says goes there. */
export const RESUME_LOG = "resume.log";

/** As Ctrl-C does: a checkpoint after the running step. @throws ApiError when no process of this machine runs it */
export function stopRun(folder: string): void {
  const holder = livingHolder(join(folder, "run.lock"));
  if (holder === undefined) throw refusal("this run is not running");
  if (holder.host !== hostname()) throw refusal(`this run is on ${holder.host}: stop it there`);
  process.kill(holder.pid, "SIGINT");
}

/** Starts `fettle train --resume` in a process of its own, which outlives this one. @throws ApiError when it runs already */
export function resumeRun(folder: string): void {
  const holder = livingHolder(join(folder, "run.lock"));
  if (holder !== undefined) throw refusal(`this run is running: process ${holder.pid} on ${holder.host}`);
  const main = fileURLToPath(new URL("../cli/main.js", import.meta.url));
  const log = openSync(join(folder, RESUME_LOG), "w");
  try {
    const options = { detached: true, stdio: ["ignore", log, log] as ("ignore" | number)[] };
    const args = [main, "train", join(folder, "recipe.yaml"), "--resume", "--output", folder];
    spawn(process.execPath, args, options).unref();
  } finally {
    closeSync(log);
  }
}

function refusal(message: string): ApiError {
  return new ApiError({ status: 409, message, code: "not_possible" });
}
