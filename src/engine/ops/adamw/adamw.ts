/**
 * One step of AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) on one parameter, in PyTorch's order, with
 * g = gradient · gradientScale:
 *
 *   p = p · (1 - learningRate · weightDecay)
 *   m = m + (1 - beta1) · (g - m)
 *   v = beta2 · v + (1 - beta2) · g²
 *   p = p - learningRate / correction1 · m / (√v / correction2 + eps)
 *
 * A parameter in bf16 is updated in f32 and rounded stochastically (Gupta et al. 2015, arXiv 1502.02551): steps smaller
 * than its spacing move it in expectation, where rounding to nearest would leave it where it is. The random bits of
 * element i are the lower half of mix32(mix32(i) ^ seed), added to the f32's bits before these are cut off.
 *
 * Kernel:
 *   adamw (p, dtype of p, g, m, v, rounded bf16 | null, length, learningRate, beta1, beta2, eps, weightDecay, correction1,
 *          correction2, gradientScale, seed)
 * with p and g both f32 or both bf16, m and v f32; where p is f32, `rounded` becomes p rounded to nearest.
 */
import { type DType, dtypeCode } from "../../device/device.ts";
import type { Tensor } from "../../tensor/tensor.ts";

export interface AdamwOptions {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** Which step this is, from 1: corrects the moments' start at zero. */
  readonly step: number;
  /** Every gradient is multiplied by it: clipping and the loss's denominator cost no pass of their own. */
  readonly gradientScale: number;
  /** 32 bits, of this parameter and this step alone; what bf16 parameters are rounded by. */
  readonly seed: number;
}

/** Moments of a parameter: f32 tensors of its shape, zeros before the first step. */
export interface AdamwMoments {
  readonly m: Tensor;
  readonly v: Tensor;
}

/**
 * Updates the parameter and its moments in place.
 * @param parameter f32 or bf16, as the gradient
 * @param rounded the copy of an f32 parameter that products read, to be written too
 */
export function adamw(
  parameter: Tensor,
  gradient: Tensor,
  { m, v }: AdamwMoments,
  options: AdamwOptions,
  rounded?: Tensor,
): void {
  const tensors = [parameter, parameterCode(parameter, gradient), gradient, m, v, rounded ?? null];
  parameter.device.launch("adamw", [...tensors, parameter.length, ...adamwArguments(options)]);
}

/** The code of a parameter's dtype. */
export function parameterCode({ dtype }: Tensor, gradient: { readonly dtype: DType }): number {
  const trained = dtype === "f32" || dtype === "bf16";
  if (!trained || gradient.dtype !== dtype)
    throw new Error(`adamw: a ${dtype} parameter, a ${gradient.dtype} gradient`);
  return dtypeCode[dtype];
}

/** The options in the order in which AdamW kernels take them: correction1 = 1 - beta1^t, correction2 = √(1 - beta2^t). */
export function adamwArguments(options: AdamwOptions): number[] {
  const { learningRate, beta1, beta2, eps, weightDecay, step, gradientScale, seed } = options;
  const corrections = [1 - beta1 ** step, Math.sqrt(1 - beta2 ** step)];
  return [learningRate, beta1, beta2, eps, weightDecay, ...corrections, gradientScale, seed];
}
