/**
 * down(activation(gate(x)) · up(x)) (Shazeer 2020, arXiv 2002.05202), or without a gate down(activation(up(x))). Gate and up
 * may be the two halves of one layer's output.
 */
import { type Activation, activate } from "../ops/activation/activation.ts";
import { gated } from "../ops/gated/gated.ts";
import { gatedLinear } from "../ops/gated-linear/gated-linear.ts";
import { splitColumns } from "../ops/split/split.ts";
import { lastAxis, type Tensor } from "../tensor/tensor.ts";
import { type ForwardMode, isDora, type Linear, memberOf, project } from "./linear.ts";

export interface Mlp {
  readonly gate?: Linear | "first half of up";
  readonly up: Linear;
  readonly down: Linear;
  readonly activation: Activation;
}

export function mlp(x: Tensor, block: Mlp, mode: ForwardMode): Tensor {
  return project(middle(x, block, mode), [block.down], mode)[0]!;
}

function middle(x: Tensor, { gate, up, activation }: Mlp, mode: ForwardMode): Tensor {
  if (gate === "first half of up") {
    const [both] = project(x, [up], mode) as [Tensor];
    const [gates, values] = splitColumns(both, [lastAxis(both) / 2, lastAxis(both) / 2]) as [Tensor, Tensor];
    return gated(gates, values, activation);
  }
  if (gate === undefined) return activate(project(x, [up], mode)[0]!, activation);
  if (isDora(gate) || isDora(up)) {
    const [gates, values] = project(x, [gate, up], mode) as [Tensor, Tensor];
    return gated(gates, values, activation);
  }
  return gatedLinear(x, memberOf(x, gate, mode), memberOf(x, up, mode), activation);
}
