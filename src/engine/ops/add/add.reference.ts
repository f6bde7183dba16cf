import type { Floats } from "../../device/reference/reference-device.ts";

export const addReference = {
  add(y: Floats, a: Floats, b: Floats, length: number): void {
    for (let i = 0; i < length; i++) y[i] = a[i]! + b[i]!;
  },
};
