/**
 * Normal random values made where they are needed: with a the upper 24 bits of mix32(mix32(2k) ^ seed), b those of
 * mix32(mix32(2k + 1) ^ seed) (`mix32` of base/random.ts), elements 2k and 2k + 1 are, by Box and Muller 1958,
 *
 *   deviation · √(-2 ln((a + 1) / 2²⁴)) · cos and sin of 2π · b / 2²⁴
 *
 * Kernel: random_normal (y, dtype of y, length, seed u32, deviation), dtypes f32 and bf16
 */
import { dtypeCode } from "../../device/device.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** Overwrites y, f32 or bf16, with draws from N(0, deviation²). @param seed 32 bits */
export function fillNormal(y: Tensor, seed: number, deviation: number): void {
  if (y.dtype !== "f32" && y.dtype !== "bf16") throw new Error(`fillNormal: ${y.dtype} is not a float dtype`);
  y.device.launch("random_normal", [y, dtypeCode[y.dtype], y.length, seed, deviation]);
}
