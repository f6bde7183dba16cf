import type { Floats } from "../../device/reference/reference-device.ts";

export const scaleReference = {
  scale(x: Floats, length: number, factor: number): void {
    for (let i = 0; i < length; i++) x[i]! *= factor;
  },
};
