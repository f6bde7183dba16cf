import { mix32 } from "../../../base/random.ts";
import type { Floats } from "../../device/reference/reference-device.ts";

export const randomReference = {
  random_normal(y: Floats, _yDtype: number, length: number, seed: number, deviation: number): void {
    const uniform = (counter: number): number => mix32(mix32(counter) ^ seed) >>> 8;
    for (let i = 0; i < length; i += 2) {
      const radius = deviation * Math.sqrt(-2 * Math.log((uniform(i) + 1) / 2 ** 24));
      const angle = (2 * Math.PI * uniform(i + 1)) / 2 ** 24;
      y[i] = radius * Math.cos(angle);
      if (i + 1 < length) y[i + 1] = radius * Math.sin(angle);
    }
  },
};
