/** The text of a file that may be anything. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { messageOf } from "../../base/errors.ts";
import { formatBytes } from "../report/format.ts";
import type { Location } from "./walk/walk-tree.ts";

export type Source =
  | {
      readonly kind: "text";
      readonly text: string;
      readonly bytes: Buffer /** What was not as it should be. */;
      readonly note?: string;
    }
  | { readonly kind: "problem"; readonly message: string; readonly fatal: boolean };

const replacing = new TextDecoder("utf-8");
const strict = new TextDecoder("utf-8", { fatal: true });

/**
 * Never waits for a pipe, and never holds more than `maxBytes`. What is no UTF-8 is read with replacement characters, and
 * told; a file with zero bytes is none of text.
 */
export async function readSource(location: Location, maxBytes: number): Promise<Source> {
  let file: FileHandle | undefined;
  try {
    // A file can become a pipe between looking and opening.
    file = await open(location, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const { size, isFile } = await statOf(file);
    if (!isFile) return { kind: "problem", message: "it is not a file any more", fatal: true };
    if (size > maxBytes) return tooLarge(size, maxBytes);
    const bytes = await readUpTo(file, size, maxBytes + 1);
    return bytes.length > maxBytes ? tooLarge(bytes.length, maxBytes) : textOf(bytes);
  } catch (error) {
    return { kind: "problem", message: `it cannot be read: ${messageOf(error)}`, fatal: true };
  } finally {
    await file?.close();
  }
}

async function statOf(file: FileHandle): Promise<{ size: number; isFile: boolean }> {
  const stat = await file.stat();
  return { size: stat.size, isFile: stat.isFile() };
}

/** A file may grow while it is read. */
async function readUpTo(file: FileHandle, expected: number, most: number): Promise<Buffer> {
  let bytes = Buffer.allocUnsafe(Math.min(expected + 1, most));
  let filled = 0;
  for (;;) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled);
    filled += bytesRead;
    if (bytesRead === 0 || filled === most) return bytes.subarray(0, filled);
    if (filled === bytes.length) bytes = Buffer.concat([bytes], Math.min(2 * bytes.length, most));
  }
}

function tooLarge(size: number, maxBytes: number): Source {
  const message = `it has ${formatBytes(size)}, more than the ${formatBytes(maxBytes)} that are scanned; raise --max-file-size, or leave the file out`;
  return { kind: "problem", message, fatal: true };
}

/** What is read of bytes, wherever they are from. */
export function textOf(bytes: Buffer): Source {
  if (bytes.includes(0)) return { kind: "problem", message: "it is no text: it has zero bytes", fatal: false };
  try {
    return { kind: "text", text: strict.decode(bytes), bytes };
  } catch {
    const note = "it is no valid UTF-8; what is not was read as replacement characters";
    return { kind: "text", text: replacing.decode(bytes), bytes, note };
  }
}
