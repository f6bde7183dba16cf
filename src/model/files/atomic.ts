import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import { AtomicFile } from "./atomic-file.ts";
import { fileError } from "./file-error.ts";
import { fsyncEntry } from "./fsync-entry.ts";

/** Appends bytes to the file being written. */
export type Append = (bytes: Uint8Array) => void;

/**
 * Writes a file at once or not at all, as `AtomicFile` does. On any failure the old file stays as it was.
 * @param fill produces the content by calling `append` any number of times.
 * @throws UserError when the disk is full, the folder missing or read-only; whatever `fill` throws.
 */
export function writeAtomically(path: string, fill: (append: Append) => void): void {
  try {
    using file = new AtomicFile(path);
    fill((bytes) => file.append(bytes));
    file.commit();
  } catch (error) {
    throw fileError("write", path, error);
  }
}

/** `writeAtomically` for content that is at hand; text is written as UTF-8. */
export function writeFileAtomic(path: string, data: string | Uint8Array): void {
  writeAtomically(path, (append) => append(typeof data === "string" ? new TextEncoder().encode(data) : data));
}

/**
 * Makes a folder, with its parents, unless it is there. Node's own `recursive` never returns where a file system answers
 * that an existing parent does not exist, as /proc does.
 */
export function makeFolder(folder: string): void {
  const missing: string[] = [];
  for (let path = resolve(folder); !existsSync(path); path = dirname(path)) missing.push(path);
  try {
    for (const path of missing.reverse()) mkdirSync(path);
  } catch (error) {
    const madeMeanwhile = (error as NodeJS.ErrnoException).code === "EEXIST" && existsSync(folder);
    if (!madeMeanwhile) throw fileError("make", folder, error);
  }
  if (!statSync(folder).isDirectory()) {
    throw new UserError({
      code: "files/not-a-folder",
      message: "a folder is wanted, and there is a file of this name",
      where: folder,
      fix: "choose another path, or move the file away",
    });
  }
}

/** Flushes a folder and everything in it to the disk: what is there survives a power cut. */
export function fsyncFolder(folder: string): void {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) fsyncFolder(path);
      else if (entry.isFile()) fsyncEntry(path);
    }
    fsyncEntry(folder);
  } catch (error) {
    throw fileError("write", folder, error);
  }
}

/**
 * Gives a complete temporary folder its final name; both must be on one file system. Everything is flushed before the
 * rename, so the final name never shows a half-written folder. An existing final folder is moved aside first and
 * removed last: a crash in between leaves the old one as `.NAME.….old` beside it.
 */
export function replaceFolder(temporaryFolder: string, finalFolder: string): void {
  fsyncFolder(temporaryFolder);
  const parent = dirname(finalFolder);
  const aside = join(parent, `.${basename(finalFolder)}.${randomBytes(6).toString("hex")}.old`);
  try {
    const replacing = existsSync(finalFolder);
    if (replacing) renameSync(finalFolder, aside);
    try {
      renameSync(temporaryFolder, finalFolder);
    } catch (error) {
      if (replacing) renameSync(aside, finalFolder);
      throw error;
    }
    fsyncEntry(parent);
    if (replacing) rmSync(aside, { recursive: true, force: true });
  } catch (error) {
    throw fileError("write", finalFolder, error);
  }
}
