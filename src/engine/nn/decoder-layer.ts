/** A pre-norm transformer layer: attention and an MLP, each reading the normalised stream and adding to it. */
import { add } from "../ops/add/add.ts";
import type { PageStore } from "../ops/paged-attention/paged-attention.ts";
import { gatherRows } from "../ops/rows/rows.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { ForwardMode } from "./linear.ts";
import { type Mlp, mlp } from "./mlp.ts";
import { applyNorm, type Norm } from "./norm.ts";
import { type SelfAttention, selfAttention } from "./self-attention.ts";
import type { SequenceTensors } from "./sequence.ts";

export interface DecoderLayer {
  /** Undefined: attention reads the stream as it is (ModernBERT's first layer). */
  readonly attentionNorm: Norm | undefined;
  readonly attention: SelfAttention;
  /** Over what attention gives, before it is added (Gemma 2). */
  readonly attentionOutputNorm?: Norm;
  readonly mlpNorm: Norm;
  readonly mlp: Mlp;
  readonly mlpOutputNorm?: Norm;
}

/**
 * @param x [tokens, hidden]
 * @param last whether only `sequence.wanted` rows are needed of the output
 * @param store of a paged sequence
 * @returns [tokens or wanted, hidden]
 */
export function decoderLayer(
  x: Tensor,
  layer: DecoderLayer,
  sequence: SequenceTensors,
  mode: ForwardMode,
  last: boolean,
  store?: PageStore,
): Tensor {
  const mixed = selfAttention(normedIfAny(x, layer.attentionNorm), layer.attention, sequence, mode, last, store);
  const kept = last && sequence.wanted ? gatherRows(x, sequence.wanted.index) : x;
  const h = add(kept, normedIfAny(mixed, layer.attentionOutputNorm));
  return add(h, normedIfAny(mlp(applyNorm(h, layer.mlpNorm), layer.mlp, mode), layer.mlpOutputNorm));
}

function normedIfAny(x: Tensor, norm: Norm | undefined): Tensor {
  return norm === undefined ? x : applyNorm(x, norm);
}
