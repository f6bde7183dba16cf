import type { Floats } from "../../device/reference/reference-device.ts";
import { activated } from "../activation/activation.reference.ts";

export const gatedReference = {
  gated_forward(y: Floats, gate: Floats, up: Floats, length: number, activation: number): void {
    for (let i = 0; i < length; i++) y[i] = activated(gate[i]!, activation).value * up[i]!;
  },

  gated_backward(
    dgate: Floats,
    dup: Floats,
    dy: Floats,
    gate: Floats,
    up: Floats,
    length: number,
    activation: number,
  ): void {
    for (let i = 0; i < length; i++) {
      const { value, slope } = activated(gate[i]!, activation);
      dgate[i] = dy[i]! * up[i]! * slope;
      dup[i] = dy[i]! * value;
    }
  },
};
