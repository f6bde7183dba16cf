import type { Floats } from "../../device/reference/reference-device.ts";

export const adamwReference = {
  adamw(
    p: Floats,
    g: Floats,
    m: Floats,
    v: Floats,
    length: number,
    learningRate: number,
    beta1: number,
    beta2: number,
    eps: number,
    weightDecay: number,
    correction1: number,
    correction2: number,
    gradientScale: number,
  ): void {
    for (let i = 0; i < length; i++) {
      const gradient = g[i]! * gradientScale;
      const decayed = p[i]! * (1 - learningRate * weightDecay);
      m[i]! += (1 - beta1) * (gradient - m[i]!);
      v[i] = beta2 * v[i]! + (1 - beta2) * gradient ** 2;
      p[i] = decayed - ((learningRate / correction1) * m[i]!) / (Math.sqrt(v[i]!) / correction2 + eps);
    }
  },
};
