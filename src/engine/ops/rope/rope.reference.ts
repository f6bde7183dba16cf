import type { Floats } from "../../device/reference/reference-device.ts";

export const ropeReference = {
  rope(
    y: Floats,
    x: Floats,
    cos: Floats,
    sin: Floats,
    tokens: number,
    heads: number,
    headDim: number,
    sign: number,
  ): void {
    const half = headDim / 2;
    for (let token = 0; token < tokens; token++) {
      for (let head = 0; head < heads; head++) {
        const at = (token * heads + head) * headDim;
        for (let i = 0; i < half; i++) {
          const c = cos[token * half + i]!;
          const s = sign * sin[token * half + i]!;
          const first = x[at + i]!;
          const second = x[at + half + i]!;
          y[at + i] = first * c - second * s;
          y[at + half + i] = second * c + first * s;
        }
      }
    }
  },
};
