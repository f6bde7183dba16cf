/** A post-norm transformer layer (Vaswani et al. 2017, arXiv 1706.03762): what attention and an MLP give is added, then normalised. */
import { add } from "../ops/add/add.ts";
import { gatherRows } from "../ops/rows/rows.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { ForwardMode } from "./linear.ts";
import { type Mlp, mlp } from "./mlp.ts";
import { applyNorm, type Norm } from "./norm.ts";
import { type SelfAttention, selfAttention } from "./self-attention.ts";
import type { SequenceTensors } from "./sequence.ts";

export interface PostNormLayer {
  readonly attention: SelfAttention;
  /** Over the stream with attention's output added. */
  readonly attentionSumNorm: Norm;
  readonly mlp: Mlp;
  readonly mlpSumNorm: Norm;
}

/**
 * @param x [tokens, hidden]
 * @param last whether only `sequence.wanted` rows are needed of the output
 * @returns [tokens or wanted, hidden]
 */
export function postNormLayer(
  x: Tensor,
  layer: PostNormLayer,
  sequence: SequenceTensors,
  mode: ForwardMode,
  last: boolean,
): Tensor {
  const mixed = selfAttention(x, layer.attention, sequence, mode, last);
  const kept = last && sequence.wanted ? gatherRows(x, sequence.wanted.index) : x;
  const h = applyNorm(add(kept, mixed), layer.attentionSumNorm);
  return applyNorm(add(h, mlp(h, layer.mlp, mode)), layer.mlpSumNorm);
}
