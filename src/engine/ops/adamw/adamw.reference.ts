import { dtypeCode } from "../../device/device.ts";
import type { Floats } from "../../device/reference/reference-device.ts";
import { keepParameter } from "./stochastic-rounding.ts";

export const adamwReference = {
  adamw(
    p: Floats,
    dtype: number,
    g: Floats,
    m: Floats,
    v: Floats,
    rounded: Floats | null,
    length: number,
    learningRate: number,
    beta1: number,
    beta2: number,
    eps: number,
    weightDecay: number,
    correction1: number,
    correction2: number,
    gradientScale: number,
    seed: number,
  ): void {
    for (let i = 0; i < length; i++) {
      const gradient = g[i]! * gradientScale;
      const decayed = p[i]! * (1 - learningRate * weightDecay);
      m[i]! += (1 - beta1) * (gradient - m[i]!);
      v[i] = beta2 * v[i]! + (1 - beta2) * gradient ** 2;
      const moved = decayed - ((learningRate / correction1) * m[i]!) / (Math.sqrt(v[i]!) / correction2 + eps);
      keepParameter(p, dtype === dtypeCode.bf16, moved, seed, i);
      if (rounded) rounded[i] = p[i]!;
    }
  },
};
