/** Zstandard frames without compression (RFC 8878, sections 3.1.1.1 and 3.1.1.2), which the standard allows. */

const maxBlock = 128 * 1024;

/** A frame of stored blocks. */
export function storedZstd(content: Uint8Array): Buffer {
  const blocks: Buffer[] = [];
  for (let from = 0; from === 0 || from < content.length; from += maxBlock) {
    const block = content.subarray(from, from + maxBlock);
    blocks.push(blockHeader(0, block.length, from + maxBlock >= content.length), Buffer.from(block));
  }
  return Buffer.concat([frameHeader(17), ...blocks]);
}

/** A frame of blocks that each repeat one byte: four bytes that stand for 128 KiB. */
export function repeatedZstd(byte: number, blocks: number): Buffer {
  const repeated = Array.from({ length: blocks }, (_, i) =>
    Buffer.concat([blockHeader(1, maxBlock, i === blocks - 1), Buffer.of(byte)]),
  );
  return Buffer.concat([frameHeader(17), ...repeated]);
}

/** @param windowLog how far back matches may reach, as a power of two */
export function frameHeader(windowLog: number): Buffer {
  return Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0, (windowLog - 10) << 3);
}

function blockHeader(kind: 0 | 1, size: number, last: boolean): Buffer {
  const header = Buffer.alloc(3);
  header.writeUIntLE((size << 3) | (kind << 1) | (last ? 1 : 0), 0, 3);
  return header;
}
