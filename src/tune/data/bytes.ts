import { messageOf, UserError } from "../../base/errors.ts";
import type { Source } from "./source.ts";
import { unpackers } from "./unpack/unpackers.ts";

/**
 * Limits on what a packed file may become. Text shrinks 3 to 10 times, machine-made logs perhaps 100; gzip's own limit is
 * 1032. Below the floor any ratio is harmless, since rows are read as a stream.
 */
const expansionFloor = 64 * 1024 ** 2;
const expansionRatio = 200;

/**
 * The bytes of a file, unpacked when it begins as a packed one does, as chunks.
 * @throws UserError when the file is missing, is no regular file, ends in the middle of its packed stream, or expands
 *   beyond the limits
 */
export async function* readBytes(source: Source): AsyncGenerator<Buffer> {
  let packedBytes = 0;
  const packed = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of source.open()) {
      packedBytes += chunk.length;
      yield chunk;
    }
  };
  let unpackedBytes = 0;
  try {
    const { head, chunks } = await peek(packed());
    const unpacker = unpackers.find(({ recognises }) => recognises(head));
    if (unpacker === undefined) {
      yield* chunks;
      return;
    }
    for await (const chunk of unpacker.unpack(chunks, source.name)) {
      unpackedBytes += chunk.length;
      if (unpackedBytes > expansionFloor && unpackedBytes > packedBytes * expansionRatio) {
        throw new UserError({
          code: "data/expansion",
          message: `${packedBytes} bytes unpack to more than ${expansionRatio} times as many, which no text does`,
          where: source.name,
        });
      }
      yield chunk;
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError({
      code: "data/unreadable",
      message: `cannot be read: ${messageOf(error)}`,
      where: source.name,
      cause: error,
    });
  }
}

/** At most `length` first bytes of the (unpacked) content; what is cut off or broken behind them is no matter. */
export async function readHead(source: Source, length: number): Promise<{ bytes: Buffer; complete: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of readBytes(source)) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > length) break;
  }
  return { bytes: Buffer.concat(chunks).subarray(0, length), complete: size <= length };
}

const longestMagic = 8;

/** The first bytes, and all chunks with these still in front. */
async function peek(source: AsyncGenerator<Buffer>): Promise<{ head: Buffer; chunks: AsyncGenerator<Buffer> }> {
  let head: Buffer = Buffer.alloc(0);
  let ended = false;
  while (head.length < longestMagic && !ended) {
    const next = await source.next();
    if (next.done) ended = true;
    else head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  const chunks = async function* (): AsyncGenerator<Buffer> {
    try {
      if (head.length > 0) yield head;
      if (!ended) yield* source;
    } finally {
      await source.return(undefined);
    }
  };
  return { head, chunks: chunks() };
}
