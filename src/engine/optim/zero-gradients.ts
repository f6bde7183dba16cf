import type { Tensor } from "../tensor/tensor.ts";
import { joinedFlat, sideBySide } from "./side-by-side.ts";

/** Gradients start the next step at zero; their memory stays. */
export function zeroGradients(parameters: ReadonlyMap<string, Tensor>): void {
  const gradients = [...parameters.values()].flatMap(({ gradient }) => gradient ?? []);
  for (const run of sideBySide(gradients)) run[0]!.device.zero(joinedFlat(run));
}
