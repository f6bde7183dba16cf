/**
 * Sum of squares, for the norm of all gradients: each tensor's goes into a slot of one small tensor, so that many cost
 * one read-back.
 *
 * Kernel: sum_squares (out f32, slot, x f32 | bf16, dtype of x, length): out[slot] = Σ x², accumulated over chunks of
 * fixed size that are added in order, in float64: the same bits whatever the number of threads.
 */
import { dtypeCode } from "../../device/device.ts";
import type { Tensor } from "../../tensor/tensor.ts";

export function sumSquares(out: Tensor, slot: number, x: Tensor): void {
  x.device.launch("sum_squares", [out, slot, x, dtypeCode[x.dtype], x.length]);
}
