import { isUtf8 } from "node:buffer";
import { readBytes } from "./bytes.ts";
import type { Source } from "./source.ts";

/** Longest row that is read; a longer one is counted and passed over without being held in memory. */
export const maxRowBytes: number = 4 * 1024 * 1024;

export interface TextLine {
  /** From 1. */
  readonly number: number;
  /** Without its line end; undefined when longer than `maxRowBytes`. Invalid UTF-8 has become U+FFFD. */
  readonly text: string | undefined;
  readonly validUtf8: boolean;
  /** False for a last line without line end, which may have been cut off. */
  readonly terminated: boolean;
}

const newline = 0x0a;
const carriageReturn = 0x0d;

/** The lines of a text file (LF or CR LF), in batches of what one chunk completes. A leading BOM is dropped. */
export async function* readLines(source: Source): AsyncGenerator<readonly TextLine[]> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let number = 0;

  const finish = (terminated: boolean): TextLine => {
    number++;
    if (pendingBytes === 0) return { number, text: "", validUtf8: true, terminated };
    const tooLong = pendingBytes > maxRowBytes;
    let bytes = pending.length === 1 ? pending[0]! : Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
    if (tooLong) return { number, text: undefined, validUtf8: true, terminated };
    if (bytes.at(-1) === carriageReturn) bytes = bytes.subarray(0, -1);
    if (number === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3);
    return { number, text: bytes.toString("utf8"), validUtf8: isUtf8(bytes), terminated };
  };
  const append = (bytes: Buffer): void => {
    pendingBytes += bytes.length;
    if (pendingBytes <= maxRowBytes) pending.push(bytes);
    else pending = [];
  };

  for await (const chunk of readBytes(source)) {
    const lines: TextLine[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(newline, start);
      if (end < 0) break;
      append(chunk.subarray(start, end));
      lines.push(finish(true));
      start = end + 1;
    }
    if (start < chunk.length) append(chunk.subarray(start));
    yield lines;
  }
  if (pendingBytes > 0) yield [finish(false)];
}
