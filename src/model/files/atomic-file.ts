import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { fileError } from "./file-error.ts";
import { fsyncEntry } from "./fsync-entry.ts";

/** Larger writes are cut: Linux moves at most 2 GiB - 4 KiB at a time. */
const MAX_WRITE_BYTES = 1 << 30;

/**
 * A file that is written piece by piece, and whose name holds at every moment either the old content or the whole new
 * one: a temporary file beside it, fsync, rename, fsync of the folder. Disposed of without `commit`, it leaves the old
 * file as it was.
 */
export class AtomicFile implements Disposable {
  readonly #path: string;
  readonly #temporary: string;
  #descriptor: number | undefined;

  /** @throws UserError when the folder is missing or read-only */
  constructor(path: string) {
    this.#path = path;
    this.#temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
    this.#descriptor = this.#or(() => openSync(this.#temporary, "wx"));
  }

  /** @throws UserError when the disk is full */
  append(bytes: Uint8Array): void {
    this.#or(() => writeAll(this.#descriptor!, bytes, this.#path));
  }

  /** Puts the file into its place. @throws UserError when the disk fails */
  commit(): void {
    this.#or(() => {
      fsyncSync(this.#descriptor!);
      this.#close();
      renameSync(this.#temporary, this.#path);
      fsyncEntry(dirname(this.#path));
    });
  }

  [Symbol.dispose](): void {
    this.#close();
    rmSync(this.#temporary, { force: true });
  }

  #close(): void {
    if (this.#descriptor === undefined) return;
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    closeSync(descriptor);
  }

  #or<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw fileError("write", this.#path, error);
    }
  }
}

function writeAll(descriptor: number, bytes: Uint8Array, path: string): void {
  let written = 0;
  while (written < bytes.length) {
    // A full disk shows as a short write first and as ENOSPC (or, on some file systems, 0) on the next one.
    const count = writeSync(descriptor, bytes, written, Math.min(bytes.length - written, MAX_WRITE_BYTES));
    if (count === 0) {
      throw new UserError({
        code: "files/disk-full",
        message: "cannot write: the disk takes no more bytes",
        where: path,
        fix: "free some space or choose a folder on another disk",
      });
    }
    written += count;
  }
}
