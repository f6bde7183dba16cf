/**
 * y = (x - mean(x)) / sqrt(var(x) + eps) · weight + bias over the last axis, var being the mean squared distance from
 * the mean (Ba, Kiros and Hinton 2016, arXiv 1607.06450).
 *
 * Kernels:
 *   layernorm_forward  (y [rows, width], mean [rows], rstd [rows], x [rows, width], weight [width], bias [width] | null,
 *                       rows, width, eps)
 *   layernorm_backward (dx | null, dweight | null (added to), dbias | null (added to), dy, x, weight, mean, rstd, rows,
 *                       width)
 */
import { type BackwardRule, gradientOf, record } from "../../tensor/tape.ts";
import { empty, expectShape, lastAxis, rowCount, type Tensor } from "../../tensor/tensor.ts";

/** @param x [..., width] @param weight [width] @param bias [width], or undefined for none @returns [..., width] */
export function layernorm(x: Tensor, weight: Tensor, bias: Tensor | undefined, eps: number): Tensor {
  const { device } = x;
  const width = lastAxis(x);
  const rows = rowCount(x);
  const parameters = bias === undefined ? [weight] : [weight, bias];
  for (const parameter of parameters) expectShape("layernorm parameter", parameter, [width]);
  const y = empty(device, x.shape, x.dtype);
  const mean = empty(device, [rows]);
  const rstd = empty(device, [rows]);
  const forward = (): void =>
    device.launch("layernorm_forward", [y, mean, rstd, x, weight, bias ?? null, rows, width, eps]);
  forward();
  const backward: BackwardRule = ([dy], [needsX]) => {
    const dx = needsX ? empty(device, x.shape, x.dtype) : undefined;
    const dweight = weight.trainable ? gradientOf(weight) : null;
    const dbias = bias?.trainable ? gradientOf(bias) : null;
    device.launch("layernorm_backward", [dx ?? null, dweight, dbias, dy!, x, weight, mean, rstd, rows, width]);
    return [dx];
  };
  record([y], [x, ...parameters], [x, weight, mean, rstd], backward, { from: [x], run: forward });
  return y;
}
