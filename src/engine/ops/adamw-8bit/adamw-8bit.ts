/**
 * AdamW with its moments in 8 bits (Dettmers et al. 2022, arXiv 2110.02861): per block of 256 values one scale, per value
 * an index into a dynamic map, signed for m, unsigned for v. As bitsandbytes' kernel does, the parameter moves first and
 * decays afterwards, and eps is scaled by correction2, which is the textbook's eps beside the corrected √v:
 *
 *   v = map2[s2] · absmax2 · beta2 + (1 - beta2) · g²,  m = map1[s1] · absmax1 · beta1 + (1 - beta1) · g
 *   p = (p - learningRate · correction2 / correction1 · m / (√v + correction2 · eps)) · (1 - learningRate · weightDecay)
 *   absmax1 = max |m|, absmax2 = max v over the block; s1, s2 = nearest codes of m / absmax1, v / absmax2
 *
 * with g = gradient · gradientScale. A code of m never has the other sign than m. Where g is not finite, m = v = 0 and p
 * stays. Parameters in bf16 are rounded as in ops/adamw.
 *
 * Kernel:
 *   adamw_8bit (p, dtype of p, g, state1 u8, state2 u8, absmax1 [blocks], absmax2 [blocks], map1 [256], map2 [256],
 *               rounded bf16 | null, length, learningRate, beta1, beta2, eps, weightDecay, correction1, correction2,
 *               gradientScale, seed)
 * with p and g both f32 or both bf16; where p is f32, `rounded` becomes p rounded to nearest.
 */
import type { Tensor } from "../../tensor/tensor.ts";
import { type AdamwOptions, adamwArguments, parameterCode } from "../adamw/adamw.ts";

/** Moments of a parameter of n values; zeros before the first step. */
export interface QuantizedMoments {
  /** u8 [n]: m, v as indices into the maps. */
  readonly state1: Tensor;
  readonly state2: Tensor;
  /** f32 [ceil(n / 256)] */
  readonly absmax1: Tensor;
  readonly absmax2: Tensor;
}

/** f32 [256] each: the signed and the unsigned dynamic map. */
export interface MomentMaps {
  readonly map1: Tensor;
  readonly map2: Tensor;
}

/** Updates the parameter and its moments in place; see `adamw`. */
export function adamw8bit(
  parameter: Tensor,
  gradient: Tensor,
  { state1, state2, absmax1, absmax2 }: QuantizedMoments,
  { map1, map2 }: MomentMaps,
  options: AdamwOptions,
  copy?: Tensor,
): void {
  // bitsandbytes rounds the betas to f32 before anything else: 1 - beta2 then differs in the sixth digit.
  const rounded = { ...options, beta1: Math.fround(options.beta1), beta2: Math.fround(options.beta2) };
  const code = parameterCode(parameter, gradient);
  const tensors = [parameter, code, gradient, state1, state2, absmax1, absmax2, map1, map2, copy ?? null];
  parameter.device.launch("adamw_8bit", [...tensors, parameter.length, ...adamwArguments(rounded)]);
}
