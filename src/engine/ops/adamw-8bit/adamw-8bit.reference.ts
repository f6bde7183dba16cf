import { dtypeCode } from "../../device/device.ts";
import type { Floats } from "../../device/reference/reference-device.ts";
import { keepParameter } from "../adamw/stochastic-rounding.ts";
import { MAP_BLOCK, nearestCode } from "../dynamic-map.ts";

export const adamw8bitReference = {
  adamw_8bit(
    p: Floats,
    dtype: number,
    g: Floats,
    state1: Uint8Array,
    state2: Uint8Array,
    absmax1: Floats,
    absmax2: Floats,
    map1: Floats,
    map2: Floats,
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
    const stepSize = (learningRate * correction2) / correction1;
    for (let begin = 0, block = 0; begin < length; begin += MAP_BLOCK, block++) {
      const size = Math.min(MAP_BLOCK, length - begin);
      const m = new Float64Array(size);
      const v = new Float64Array(size);
      for (let j = 0; j < size; j++) {
        const i = begin + j;
        const gradient = g[i]! * gradientScale;
        if (!Number.isFinite(gradient)) continue;
        m[j] = map1[state1[i]!]! * absmax1[block]! * beta1 + (1 - beta1) * gradient;
        v[j] = map2[state2[i]!]! * absmax2[block]! * beta2 + (1 - beta2) * gradient ** 2;
        const moved = p[i]! - (stepSize * m[j]!) / (Math.sqrt(v[j]!) + correction2 * eps);
        keepParameter(p, dtype === dtypeCode.bf16, moved * (1 - learningRate * weightDecay), seed, i);
      }
      if (rounded) for (let i = begin; i < begin + size; i++) rounded[i] = p[i]!;
      const largest1 = m.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const largest2 = v.reduce((most, value) => Math.max(most, value), 0);
      absmax1[block] = largest1;
      absmax2[block] = largest2;
      for (let j = 0; j < size; j++) {
        state1[begin + j] = signedCode(map1, largest1 > 0 ? m[j]! / largest1 : 0);
        state2[begin + j] = nearestCode(map2, largest2 > 0 ? v[j]! / largest2 : 0);
      }
    }
  },
};

function signedCode(map: Floats, x: number): number {
  const code = nearestCode(map, x);
  if (x < 0 === map[code]! < 0) return code;
  return x > 0 ? code + 1 : code - 1;
}
