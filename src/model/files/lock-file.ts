/** One writer at a time: a lock file that names its process, taken over when that process is gone. */
import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { fileError } from "./file-error.ts";

/** The process that has a lock. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** Start of the process in clock ticks after boot, so that a reused pid is not taken for it; null where unknown. */
  readonly started: string | null;
}

export interface FileLock {
  readonly release: () => void;
}

/** A living process on this machine, or any on another, that holds the lock. */
export class LockedError extends Error {
  readonly path: string;
  readonly holder: LockHolder;
  /** On another machine, where nobody can see from here whether the process lives. */
  readonly elsewhere: boolean;

  constructor(path: string, holder: LockHolder) {
    super(`locked by process ${holder.pid} on ${holder.host}`);
    this.path = path;
    this.holder = holder;
    this.elsewhere = holder.host !== hostname();
  }
}

/**
 * @throws LockedError
 * @throws UserError when the disk is full or cannot be written
 */
export function lockFile(path: string): FileLock {
  const holder: LockHolder = { pid: process.pid, host: hostname(), started: startOf(process.pid) };
  const own = JSON.stringify(holder);
  // The lock appears with its content, by a link, so that nobody ever reads an empty one.
  const draft = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    writeFileSync(draft, own);
    while (!linked(draft, path)) takeFromDeadHolder(path);
  } catch (error) {
    throw fileError("write", path, error);
  } finally {
    rmSync(draft, { force: true });
  }
  return {
    release: () => {
      if (readIfThere(path) === own) rmSync(path, { force: true });
    },
  };
}

/** The living process on this machine, or the one on another, that holds the lock; undefined when nobody does. */
export function livingHolder(path: string): LockHolder | undefined {
  return livingHolderIn(readIfThere(path) ?? "");
}

/** False when there is a lock already. */
function linked(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Moves the lock of a dead process away; one that another process put there meanwhile is put back. */
function takeFromDeadHolder(path: string): void {
  const text = readIfThere(path);
  if (text === undefined) return;
  refuseLivingHolder(path, text);
  const aside = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (readIfThere(aside) !== text) linked(aside, path);
  rmSync(aside, { force: true });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function refuseLivingHolder(path: string, text: string): void {
  const holder = livingHolderIn(text);
  if (holder !== undefined) throw new LockedError(path, holder);
}

function livingHolderIn(text: string): LockHolder | undefined {
  const holder = holderOf(text);
  return holder !== undefined && (holder.host !== hostname() || isAlive(holder)) ? holder : undefined;
}

/** Undefined when the text names no process: it is not a lock of ours. */
function holderOf(text: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(text) as Partial<LockHolder>;
    return typeof holder.pid === "number" && typeof holder.host === "string" ? (holder as LockHolder) : undefined;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, started }: LockHolder): boolean {
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
