/** One writer per run folder: a lock file that names its process, taken over when that process is gone. */
import { closeSync, existsSync, openSync, readFileSync, rmSync, unlinkSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { fileError } from "../../model/files/file-error.ts";

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Start of the process in clock ticks after boot, so that a reused pid is not taken for it; null where unknown. */
  readonly started: string | null;
}

export interface FolderLock {
  readonly release: () => void;
}

/** @throws UserError when a living process on this machine, or any on another, holds the lock. */
export function lockFolder(folder: string): FolderLock {
  const path = join(folder, "run.lock");
  for (;;) {
    let descriptor: number;
    try {
      descriptor = openSync(path, "wx");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw fileError("write", path, error);
      refuseLivingHolder(path);
      rmSync(path, { force: true });
      continue;
    }
    const holder: Holder = { pid: process.pid, host: hostname(), started: startOf(process.pid) };
    writeSync(descriptor, JSON.stringify(holder));
    closeSync(descriptor);
    return { release: () => existsSync(path) && unlinkSync(path) };
  }
}

function refuseLivingHolder(path: string): void {
  const holder = readHolder(path);
  if (holder === undefined) return;
  const elsewhere = holder.host !== hostname();
  if (!elsewhere && !isAlive(holder)) return;
  throw new UserError({
    code: "run/locked",
    message: `another process writes this run: ${holder.pid} on ${holder.host}`,
    where: path,
    fix: elsewhere
      ? "wait for it, or take another output; if that machine is gone, delete the file"
      : "wait for it, stop it, or take another output",
  });
}

/** Undefined when the file holds no holder: its writer died before it wrote. */
function readHolder(path: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(path, "utf8")) as Partial<Holder>;
    return typeof holder.pid === "number" && typeof holder.host === "string" ? (holder as Holder) : undefined;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return started === null || started === startOf(pid);
}

/** Field 22 of /proc/PID/stat; the second field, in parentheses, may hold anything. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}
