/**
 * The framing of .wandb files: LevelDB's log format (https://github.com/google/leveldb/blob/main/doc/log_format.md) behind a
 * header of W&B's own, with the checksum of zlib in place of crc32c.
 */
import { crc32 } from "node:zlib";

const BLOCK = 32_768;
/** Checksum, length, type. */
const FRAME = 7;
const FULL = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

/** What a file begins with: its name, a magic number, version 0. */
export const logHeader: Uint8Array = Uint8Array.of(0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0);

/** @param data not empty @param at length of the file so far */
export function loggedRecord(data: Uint8Array, at: number): Buffer {
  const parts: Uint8Array[] = [];
  let offset = at;
  for (let begin = 0; begin < data.length; ) {
    const room = BLOCK - (offset % BLOCK);
    // An end of a block that is too short for a frame is left empty.
    const end = Math.min(data.length, begin + Math.max(0, room - FRAME));
    const part =
      room < FRAME ? new Uint8Array(room) : framed(data.subarray(begin, end), typeOf(begin === 0, end === data.length));
    parts.push(part);
    offset += part.length;
    begin = end;
  }
  return Buffer.concat(parts);
}

function typeOf(first: boolean, last: boolean): number {
  if (first) return last ? FULL : FIRST;
  return last ? LAST : MIDDLE;
}

function framed(data: Uint8Array, type: number): Buffer {
  const frame = Buffer.alloc(FRAME + data.length);
  frame.writeUInt16LE(data.length, 4);
  frame.writeUInt8(type, 6);
  frame.set(data, FRAME);
  frame.writeUInt32LE(crc32(frame.subarray(6)), 0);
  return frame;
}
