import { Decompress } from "fzstd";
import { messageOf, UserError } from "../../../base/errors.ts";
import { ByteQueue } from "./byte-queue.ts";
import { brokenStream, type Unpacker } from "./unpacker.ts";

const magicNumber = 0xfd2fb528;
/** A match may reach this far back, and as much is held: the limit of the `zstd` program too, without `--long=31`. */
const maxWindowBytes = 128 * 1024 ** 2;
const maxBlockBytes = 128 * 1024;

/**
 * Zstandard (RFC 8878): frames one after the other, skippable ones passed over. Frames and blocks are cut out here, so
 * that a stream that ends early or asks for too much memory is seen before it is decoded. Checksums are not looked at.
 */
export const zstd: Unpacker = {
  recognises: (head) => head.length >= 4 && (head.readUInt32LE(0) === magicNumber || isSkippable(head.readUInt32LE(0))),
  async *unpack(chunks, where) {
    const queue = new ByteQueue(chunks);
    let size = 0;
    const need = async (length: number): Promise<Buffer> => {
      const bytes = await queue.take(length);
      if (bytes === undefined) throw brokenStream("zstd", undefined, size, where);
      return bytes;
    };
    const damaged = (what: string, cause?: unknown): UserError => brokenStream("zstd", what, size, where, cause);

    while (!(await queue.ended())) {
      const magic = await need(4);
      if (isSkippable(magic.readUInt32LE(0))) {
        const length = (await need(4)).readUInt32LE(0);
        if (!(await queue.skip(length))) throw brokenStream("zstd", undefined, size, where);
        continue;
      }
      if (magic.readUInt32LE(0) !== magicNumber) throw damaged("what follows is no frame");
      const header = await readFrameHeader(magic, need, where);

      const pieces: Uint8Array[] = [];
      const decoder = new Decompress((piece) => pieces.push(piece));
      let waiting = header.bytes;
      for (let last = false; !last; ) {
        const blockHeader = await need(3);
        const [kind, length] = [(blockHeader[0]! >> 1) & 3, blockHeader.readUIntLE(0, 3) >> 3];
        last = (blockHeader[0]! & 1) === 1;
        if (kind === 3 || length > maxBlockBytes) throw damaged("a block of no known kind");
        const content = await need(kind === 1 ? 1 : length);
        const checksum = last && header.hasChecksum ? await need(4) : Buffer.alloc(0);
        try {
          decoder.push(Buffer.concat([waiting, blockHeader, content, checksum]), last);
        } catch (error) {
          throw damaged(messageOf(error), error);
        }
        waiting = Buffer.alloc(0);
        for (const piece of pieces.splice(0)) {
          size += piece.length;
          if (piece.length > 0) yield Buffer.from(piece.buffer, piece.byteOffset, piece.length);
        }
      }
    }
  },
};

interface FrameHeader {
  /** Magic number included. */
  readonly bytes: Buffer;
  readonly hasChecksum: boolean;
}

/** RFC 8878, section 3.1.1.1. */
async function readFrameHeader(
  magic: Buffer,
  need: (length: number) => Promise<Buffer>,
  where: string,
): Promise<FrameHeader> {
  const descriptor = await need(1);
  const flags = descriptor[0]!;
  const isSingleSegment = (flags & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3]!;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][flags >> 6]!;
  const windowByte = isSingleSegment ? undefined : await need(1);
  const dictionary = await need(dictionaryBytes);
  const contentSize = await need(sizeBytes);
  if (dictionary.some((byte) => byte !== 0)) {
    throw new UserError({
      code: "data/zstd-dictionary",
      message: "was packed by zstd with a dictionary, which is not in it",
      where,
      fix: "unpack it with `zstd -d -D DICTIONARY`",
    });
  }
  const window = windowByte === undefined ? sizeOf(contentSize) : windowSize(windowByte[0]!);
  if (window > maxWindowBytes) {
    throw new UserError({
      code: "data/zstd-window",
      message: `needs a window of ${window} bytes to be unpacked, more than ${maxWindowBytes}`,
      where,
      fix: "unpack it with `zstd -d --long=31`",
    });
  }
  const bytes = Buffer.concat([magic, descriptor, windowByte ?? Buffer.alloc(0), dictionary, contentSize]);
  return { bytes, hasChecksum: (flags & 4) !== 0 };
}

function windowSize(byte: number): number {
  const base = 2 ** (10 + (byte >> 3));
  return base + (base / 8) * (byte & 7);
}

function sizeOf(bytes: Buffer): number {
  if (bytes.length === 8) return Number(bytes.readBigUInt64LE(0));
  return bytes.readUIntLE(0, bytes.length) + (bytes.length === 2 ? 256 : 0);
}

function isSkippable(magic: number): boolean {
  return magic >= 0x184d2a50 && magic <= 0x184d2a5f;
}
