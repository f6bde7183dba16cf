import type { Floats } from "../../device/reference/reference-device.ts";

export const sumSquaresReference = {
  sum_squares(out: Floats, slot: number, x: Floats, _xDtype: number, length: number): void {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += x[i]! ** 2;
    out[slot] = sum;
  },
};
