/**
 * x = x · factor, in place; for gradients and other tensors outside the tape.
 *
 * Kernel: scale (x f32, length, factor)
 */
import type { Tensor } from "../../tensor/tensor.ts";

export function scale(x: Tensor, factor: number): void {
  x.device.launch("scale", [x, x.length, factor]);
}
