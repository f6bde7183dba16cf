/**
 * One step of AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) on one parameter, in PyTorch's order, with
 * g = gradient · gradientScale:
 *
 *   p = p · (1 - learningRate · weightDecay)
 *   m = m + (1 - beta1) · (g - m)
 *   v = beta2 · v + (1 - beta2) · g²
 *   p = p - learningRate / correction1 · m / (√v / correction2 + eps)
 *
 * Kernel:
 *   adamw (p, g, m, v (all f32), length, learningRate, beta1, beta2, eps, weightDecay, correction1, correction2,
 *          gradientScale)
 */
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
}

/** Moments of a parameter: f32 tensors of its shape, zeros before the first step. */
export interface AdamwMoments {
  readonly m: Tensor;
  readonly v: Tensor;
}

/** Updates the parameter and its moments in place. */
export function adamw(parameter: Tensor, gradient: Tensor, { m, v }: AdamwMoments, options: AdamwOptions): void {
  parameter.device.launch("adamw", [parameter, gradient, m, v, parameter.length, ...adamwArguments(options)]);
}

/** The options in the order in which AdamW kernels take them: correction1 = 1 - beta1^t, correction2 = √(1 - beta2^t). */
export function adamwArguments(options: AdamwOptions): number[] {
  const { learningRate, beta1, beta2, eps, weightDecay, step, gradientScale } = options;
  return [learningRate, beta1, beta2, eps, weightDecay, 1 - beta1 ** step, Math.sqrt(1 - beta2 ** step), gradientScale];
}
