/**
 * Sum of squares, for the norm of all gradients: each tensor's goes into a slot of one small tensor, so that many cost
 * one read-back.
 *
 * Kernel: sum_squares (out f32, slot, x f32, length): out[slot] = Σ x², accumulated in float64 over chunks of fixed size
 * added in order: the same bits whatever the number of threads.
 */
import type { Tensor } from "../../tensor/tensor.ts";

export function sumSquares(out: Tensor, slot: number, x: Tensor): void {
  x.device.launch("sum_squares", [out, slot, x, x.length]);
}
