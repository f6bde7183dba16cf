import { mix32 } from "../../../base/random.ts";
import type { Floats } from "../../device/reference/reference-device.ts";

export const dropoutReference = {
  dropout(y: Floats, x: Floats, length: number, threshold: number, scale: number, seed: number, counter: number): void {
    const key = mix32(seed);
    for (let i = 0; i < length; i++) y[i] = mix32(mix32(counter + i) ^ key) >= threshold ? x[i]! * scale : 0;
  },
};
