/** down(activation(gate(x)) · up(x)) (Shazeer 2020, arXiv 2002.05202), or without a gate down(activation(up(x))). */
import { type Activation, activate } from "../ops/activation/activation.ts";
import { gated } from "../ops/gated/gated.ts";
import { gatedLinear } from "../ops/gated-linear/gated-linear.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type ForwardMode, isDora, type Linear, memberOf, project } from "./linear.ts";

export interface Mlp {
  readonly gate?: Linear;
  readonly up: Linear;
  readonly down: Linear;
  readonly activation: Activation;
}

export function mlp(x: Tensor, block: Mlp, mode: ForwardMode): Tensor {
  return project(middle(x, block, mode), [block.down], mode)[0]!;
}

function middle(x: Tensor, { gate, up, activation }: Mlp, mode: ForwardMode): Tensor {
  if (gate === undefined) return activate(project(x, [up], mode)[0]!, activation);
  if (isDora(gate) || isDora(up)) {
    const [gates, values] = project(x, [gate, up], mode) as [Tensor, Tensor];
    return gated(gates, values, activation);
  }
  return gatedLinear(x, memberOf(x, gate, mode), memberOf(x, up, mode), activation);
}
