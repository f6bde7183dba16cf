/** Starts a command as several processes, as launchers do. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { freePort } from "../../src/base/free-port.ts";
import { type CliResult, finish, main, start } from "./cli.ts";

/** By the contract of torchrun. @param wordsOf the command's words of each rank */
export async function startProcesses(
  count: number,
  wordsOf: (rank: number) => readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ChildProcess[]> {
  const shared = {
    ...env,
    WORLD_SIZE: String(count),
    LOCAL_WORLD_SIZE: String(count),
    MASTER_ADDR: "127.0.0.1",
    MASTER_PORT: String(await freePort()),
    TORCHELASTIC_RUN_ID: randomBytes(8).toString("hex"),
  };
  return Array.from({ length: count }, (_, rank) =>
    start(wordsOf(rank), { env: { ...shared, RANK: String(rank), LOCAL_RANK: String(rank) } }),
  );
}

/** @returns what came of each rank */
export async function runProcesses(count: number, words: readonly string[]): Promise<CliResult[]> {
  return Promise.all((await startProcesses(count, () => words)).map(finish));
}

export const mpirunMissing: string | false =
  spawnSync("mpirun", ["--version"]).status === 0 ? false : "Open MPI's mpirun is not installed";

export function runByMpi(count: number, words: readonly string[]): Promise<CliResult> {
  const args = ["-n", String(count), "--oversubscribe", process.execPath, main, ...words];
  const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" };
  return finish(spawn("mpirun", args, { env, stdio: "pipe" }));
}
