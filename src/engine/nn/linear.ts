/** A linear layer by its checkpoint name, plain or compressed, with or without a LoRA adapter put on afterwards. */
import { hashLabel, mix32 } from "../../base/random.ts";
import { doraLinear } from "../ops/dora/dora.ts";
import { dropout } from "../ops/dropout/dropout.ts";
import type { LinearMember, Weight } from "../ops/linear/group.ts";
import { linears } from "../ops/linear/linear.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** LoRA: y += scale · B(A(dropout(x))); with a magnitude DoRA, see ops/dora. */
export interface LoraAdapter {
  /** [r, in] */
  readonly a: Tensor;
  /** [out, r] */
  readonly b: Tensor;
  readonly scale: number;
  readonly dropout: number;
  /** [out] */
  readonly magnitude?: Tensor | undefined;
}

export class Linear {
  /** Module path as in the checkpoint, without `.weight`. */
  readonly name: string;
  weight: Weight;
  readonly bias: Tensor | undefined;
  adapter: LoraAdapter | undefined;

  constructor(name: string, weight: Weight, bias?: Tensor) {
    this.name = name;
    this.weight = weight;
    this.bias = bias;
  }

  get inFeatures(): number {
    return this.weight.shape[1]!;
  }

  get outFeatures(): number {
    return this.weight.shape[0]!;
  }
}

/**
 * What a forward pass needs to know beside its inputs. `dropoutSeed` is undefined outside training; the masks are a
 * function of it and of the layer's name, so that recomputation and resuming draw the same ones.
 */
export interface ForwardMode {
  readonly dropoutSeed?: number | undefined;
}

/** Applies layers that share the input x [.., in]; one output [.., out] per layer. */
export function project(x: Tensor, layers: readonly Linear[], mode: ForwardMode): Tensor[] {
  const members = layers.map((layer) => memberOf(x, layer, mode));
  if (!layers.some(isDora)) return linears(x, members);
  return members.map(({ adapter, ...rest }, i) => {
    const magnitude = layers[i]!.adapter?.magnitude;
    if (adapter && magnitude) return doraLinear(x, { ...rest, adapter }, magnitude);
    return linears(x, [{ ...rest, adapter }])[0]!;
  });
}

/** Whether the layer's adapter is more than what ops add to x·Wᵀ. */
export function isDora({ adapter }: Linear): boolean {
  return adapter?.magnitude !== undefined;
}

/** A layer that reads x, as ops take it; without its magnitude, if it has one. */
export function memberOf(
  x: Tensor,
  { name, weight, bias, adapter }: Linear,
  { dropoutSeed }: ForwardMode,
): LinearMember {
  if (adapter === undefined) return { weight, bias };
  const { a, b, scale } = adapter;
  if (adapter.dropout === 0 || dropoutSeed === undefined) return { weight, bias, adapter: { a, b, scale } };
  const input = dropout(x, adapter.dropout, mix32(dropoutSeed ^ hashLabel(name)), 0);
  return { weight, bias, adapter: { a, b, scale, input } };
}
