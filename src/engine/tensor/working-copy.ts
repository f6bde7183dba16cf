/**
 * Products on a device with bf16 activations read bf16 weights, while small steps of an optimizer need f32: a parameter in
 * f32 has a rounded copy beside it there, which the optimizer writes as it updates the parameter.
 */
import { dtypeCode } from "../device/device.ts";
import { mirror } from "./mirror.ts";
import { release, type Tensor } from "./tensor.ts";

/** What products read of a parameter: itself, or its copy in bf16, which is made at first use. */
export function working(parameter: Tensor): Tensor {
  const { device, dtype } = parameter;
  if (device.activations === "f32" || dtype === "bf16") return parameter;
  if (parameter.rounded === undefined) {
    parameter.rounded = mirror(parameter, "rounded", "bf16");
    refreshWorking(parameter);
  }
  return parameter.rounded;
}

/** For whoever writes a parameter other than by an optimizer's step: brings its rounded copy up to date, if there is one. */
export function refreshWorking(parameter: Tensor): void {
  const { device, rounded, length } = parameter;
  if (rounded) device.launch("cast", [rounded, dtypeCode.bf16, parameter, dtypeCode[parameter.dtype], length]);
}

/** Frees a parameter that belongs to no scope, with its gradient and its rounded copy. */
export function releaseParameter(parameter: Tensor): void {
  for (const tensor of [parameter, parameter.gradient, parameter.rounded]) if (tensor) release(tensor);
  parameter.gradient = undefined;
  parameter.rounded = undefined;
}
