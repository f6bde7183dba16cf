/** Floats of files as f32 on the host. */
import { UserError } from "../../base/errors.ts";
import { decodeBf16 } from "../../engine/device/bf16.ts";

/** Dtypes of files that parameters may have. */
export type FloatDtype = "F32" | "BF16" | "F16";

/** @throws UserError for a dtype that is not a float's, or not one that is read */
export function expectFloats(dtype: string, name: string, where: string): FloatDtype {
  if (dtype === "F32" || dtype === "BF16" || dtype === "F16") return dtype;
  throw new UserError({
    code: "model/unsupported-dtype",
    message: `tensor "${name}" is ${dtype}; weights must be F32, F16 or BF16`,
    where,
    fix: "convert the checkpoint to bf16",
  });
}

/** @param bytes little-endian, at an offset that is a multiple of an element */
export function decodeFloats(
  { buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>,
  dtype: FloatDtype,
): Float32Array {
  if (dtype === "F32") return new Float32Array(buffer, byteOffset, byteLength / 4);
  const halves = new Uint16Array(buffer, byteOffset, byteLength / 2);
  return dtype === "BF16" ? decodeBf16(halves) : decodeHalves(halves);
}

let valueOfHalf: Float32Array | undefined;

function decodeHalves(halves: Uint16Array): Float32Array {
  valueOfHalf ??= Float32Array.from({ length: 2 ** 16 }, (_, half) => decodeHalf(half));
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = valueOfHalf[halves[i]!]!;
  return values;
}

/** IEEE 754 binary16. */
function decodeHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
