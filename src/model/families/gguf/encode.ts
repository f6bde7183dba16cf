/** f32 values in the formats of GGUF tensors, as ggml itself rounds them (ggml-org/ggml, src/ggml-quants.c). */
import { UserError } from "../../../base/errors.ts";
import { encodeBf16 } from "../../../engine/device/bf16.ts";
import { type GgmlType, ggmlTypes } from "../../files/gguf-types.ts";
import { toHalf } from "./half.ts";
import { encodeQ4K } from "./q4-k.ts";

/** f16's, in which blocks hold their scales too. */
const LARGEST_HALF = 65504;

/**
 * @param values whole blocks of the type
 * @throws UserError for a value that the format cannot hold: NaN or infinite, or beyond f16's largest where it is made of f16.
 */
export function encodeGgml(type: GgmlType, values: Float32Array, name: string): Uint8Array {
  checkValues(type, values, name);
  switch (type) {
    case "f32":
      return bytesOf(values);
    case "bf16":
      return bytesOf(encodeBf16(values));
    case "f16":
      return bytesOf(Uint16Array.from(values, toHalf));
    case "q8_0":
      return encodeQ8(values);
    case "q4_k":
      return encodeQ4K(values);
  }
}

/** @throws UserError for a value that the format cannot hold */
export function checkValues(type: GgmlType, values: Float32Array, name: string): void {
  const largest = type === "f32" || type === "bf16" ? Number.MAX_VALUE : LARGEST_HALF;
  for (const value of values) if (!(Math.abs(value) <= largest)) throw badValue(name, value, type);
}

/** The type itself where rows of `width` are whole blocks of it, otherwise the next larger one that can hold them. */
export function fittingType(type: GgmlType, width: number): GgmlType {
  if (width % ggmlTypes[type].blockValues === 0) return type;
  return type === "q4_k" ? fittingType("q8_0", width) : "f16";
}

/** Q8_0: blocks of 32 values as q · d, q in 8 bits, d in f16. */
function encodeQ8(values: Float32Array): Uint8Array {
  const { blockValues, blockBytes } = ggmlTypes.q8_0;
  const f = Math.fround;
  const blocks = values.length / blockValues;
  const bytes = new Uint8Array(blocks * blockBytes);
  for (let block = 0; block < blocks; block++) {
    const begin = block * blockValues;
    let largest = 0;
    for (let i = begin; i < begin + blockValues; i++) largest = Math.max(largest, Math.abs(values[i]!));
    const d = f(largest / 127);
    const inverse = d === 0 ? 0 : f(1 / d);
    const half = toHalf(d);
    const at = block * blockBytes;
    bytes[at] = half & 0xff;
    bytes[at + 1] = half >> 8;
    for (let i = 0; i < blockValues; i++) {
      const scaled = f(values[begin + i]! * inverse);
      // C's roundf: halves away from zero.
      bytes[at + 2 + i] = scaled < 0 ? -Math.floor(0.5 - scaled) : Math.floor(scaled + 0.5);
    }
  }
  return bytes;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function badValue(name: string, value: number, type: GgmlType): UserError {
  return new UserError({
    code: "export/bad-value",
    message: Number.isFinite(value)
      ? `"${name}" holds ${value}, which ${type} cannot: its largest is ${LARGEST_HALF}`
      : `"${name}" holds ${value}: the model is damaged`,
    fix: Number.isFinite(value)
      ? "export with another --dtype: bf16 or f32"
      : "train again, with a lower learning rate",
  });
}
