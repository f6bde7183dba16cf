/** down(activation(gate(x)) · up(x)) (Shazeer 2020, arXiv 2002.05202). */
import { type Activation, gated } from "../ops/gated/gated.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type ForwardMode, type Linear, project } from "./linear.ts";

export interface GatedMlp {
  readonly gate: Linear;
  readonly up: Linear;
  readonly down: Linear;
  readonly activation: Activation;
}

export function gatedMlp(x: Tensor, block: GatedMlp, mode: ForwardMode): Tensor {
  const [gate, up] = project(x, [block.gate, block.up], mode) as [Tensor, Tensor];
  return project(gated(gate, up, block.activation), [block.down], mode)[0]!;
}
