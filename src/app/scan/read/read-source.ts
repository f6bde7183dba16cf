/** The text of a file that may be anything. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { messageOf } from "../../../base/errors.ts";
import { formatBytes } from "../../report/format.ts";
import type { Location } from "../walk/walk-tree.ts";

export type Source =
  /** With what was not as it should be. */
  | { readonly kind: "text"; readonly text: string; readonly note?: string }
  | { readonly kind: "problem"; readonly message: string; readonly fatal: boolean };

const replacing = new TextDecoder("utf-8");
const strict = new TextDecoder("utf-8", { fatal: true });

/**
 * Never waits for a pipe, and never holds more than `maxBytes`. What is no UTF-8 is read with replacement characters, and
 * told; a file with zero bytes is none of text.
 */
export function readSource(location: Location, maxBytes: number): Source {
  let file: number | undefined;
  try {
    // A file can become a pipe between looking and opening.
    file = openSync(location, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stat = fstatSync(file);
    if (!stat.isFile()) return { kind: "problem", message: "it is not a file any more", fatal: true };
    if (stat.size > maxBytes) return tooLarge(stat.size, maxBytes);
    const bytes = readUpTo(file, stat.size, maxBytes + 1);
    return bytes.length > maxBytes ? tooLarge(bytes.length, maxBytes) : textOf(bytes);
  } catch (error) {
    return { kind: "problem", message: `it cannot be read: ${messageOf(error)}`, fatal: true };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** A file may grow while it is read. */
function readUpTo(file: number, expected: number, most: number): Buffer {
  let bytes = Buffer.allocUnsafe(Math.min(expected + 1, most));
  let filled = 0;
  for (;;) {
    const read = readSync(file, bytes, filled, bytes.length - filled, filled);
    filled += read;
    if (read === 0 || filled === most) return bytes.subarray(0, filled);
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
    return { kind: "text", text: strict.decode(bytes) };
  } catch {
    const note = "it is no valid UTF-8; what is not was read as replacement characters";
    return { kind: "text", text: replacing.decode(bytes), note };
  }
}
