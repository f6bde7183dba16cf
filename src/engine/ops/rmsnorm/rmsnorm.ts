/**
 * y = x / rms(x) · (weight + offset) over the last axis, rms(x) = sqrt(mean(x²) + eps) (Zhang and Sennrich 2019,
 * arXiv 1910.07467). Llama's kind has offset 0; Gemma's stores the weight as a distance from 1, offset 1.
 *
 * Kernels:
 *   rmsnorm_forward  (y [rows, width], rstd [rows], x [rows, width], weight [width], rows, width, eps, offset)
 *   rmsnorm_backward (dx | null, dweight | null (added to), dy, x, weight, rstd, rows, width, offset)
 */
import { type BackwardRule, gradientOf, record } from "../../tensor/tape.ts";
import { empty, expectShape, lastAxis, rowCount, type Tensor } from "../../tensor/tensor.ts";

/** @param x [..., width] @param weight [width] @returns [..., width] */
export function rmsnorm(x: Tensor, weight: Tensor, eps: number, offset: 0 | 1 = 0): Tensor {
  const width = lastAxis(x);
  const rows = rowCount(x);
  expectShape("rmsnorm weight", weight, [width]);
  const y = empty(x.device, x.shape, x.dtype);
  const rstd = empty(x.device, [rows]);
  const forward = (): void => x.device.launch("rmsnorm_forward", [y, rstd, x, weight, rows, width, eps, offset]);
  forward();
  const backward: BackwardRule = ([dy], [needsX]) => {
    const dx = needsX ? empty(x.device, x.shape, x.dtype) : undefined;
    const dweight = weight.trainable ? gradientOf(weight) : null;
    x.device.launch("rmsnorm_backward", [dx ?? null, dweight, dy!, x, weight, rstd, rows, width, offset]);
    return [dx];
  };
  record([y], [x, weight], [x, weight, rstd], backward, { from: [x], run: forward });
  return y;
}
