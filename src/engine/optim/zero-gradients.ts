import type { Tensor } from "../tensor/tensor.ts";

/** Gradients start the next step at zero; their memory stays. */
export function zeroGradients(parameters: ReadonlyMap<string, Tensor>): void {
  for (const { device, gradient } of parameters.values()) if (gradient !== undefined) device.zero(gradient);
}
