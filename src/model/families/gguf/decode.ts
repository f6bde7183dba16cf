/** Values of GGUF tensors as f32: what is left of them in their format (ggml-org/ggml, `dequantize_row_*`). */
import { decodeBf16 } from "../../../engine/device/bf16.ts";
import { type GgmlType, ggmlTypes } from "../../files/gguf-types.ts";
import { fromHalf } from "./half.ts";

/** @param bytes whole blocks, at an offset that is a multiple of four */
export function decodeGgml(type: GgmlType, bytes: Uint8Array): Float32Array {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (type) {
    case "f32":
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case "bf16":
      return decodeBf16(new Uint16Array(buffer, byteOffset, byteLength / 2));
    case "f16":
      return Float32Array.from(new Uint16Array(buffer, byteOffset, byteLength / 2), fromHalf);
    case "q8_0":
      return decodeBlocks(bytes, "q8_0", decodeQ8Block);
    case "q4_k":
      return decodeBlocks(bytes, "q4_k", decodeQ4KBlock);
  }
}

function decodeBlocks(
  bytes: Uint8Array,
  type: "q8_0" | "q4_k",
  decode: (block: Uint8Array, into: Float32Array) => void,
): Float32Array {
  const { blockBytes, blockValues } = ggmlTypes[type];
  const blocks = bytes.length / blockBytes;
  const values = new Float32Array(blocks * blockValues);
  for (let i = 0; i < blocks; i++) {
    decode(
      bytes.subarray(i * blockBytes, (i + 1) * blockBytes),
      values.subarray(i * blockValues, (i + 1) * blockValues),
    );
  }
  return values;
}

function halfAt(bytes: Uint8Array, at: number): number {
  return fromHalf(bytes[at]! | (bytes[at + 1]! << 8));
}

/** d in f16, then a signed byte a value. */
function decodeQ8Block(block: Uint8Array, into: Float32Array): void {
  const d = halfAt(block, 0);
  for (let i = 0; i < into.length; i++) into[i] = d * ((block[2 + i]! << 24) >> 24);
}

/** See q4-k.ts for the layout. */
function decodeQ4KBlock(block: Uint8Array, into: Float32Array): void {
  const [d, dmin] = [halfAt(block, 0), halfAt(block, 2)];
  const packed = block.subarray(4, 16);
  for (let part = 0; part < 8; part++) {
    const upper = part - 4;
    const scale = part < 4 ? packed[part]! & 63 : (packed[part + 4]! & 15) | ((packed[upper]! >> 6) << 4);
    const min = part < 4 ? packed[part + 4]! & 63 : (packed[part + 4]! >> 4) | ((packed[part]! >> 6) << 4);
    const [step, least] = [Math.fround(d * scale), Math.fround(dmin * min)];
    const shift = part % 2 === 0 ? 0 : 4;
    for (let i = 0; i < 32; i++) {
      const level = (block[16 + (part >> 1) * 32 + i]! >> shift) & 15;
      into[part * 32 + i] = step * level - least;
    }
  }
}
