/** Grouped-query self-attention with rotary positions over a token forest. */
import { attention } from "../ops/attention/attention.ts";
import { rope } from "../ops/rope/rope.ts";
import { gatherRows } from "../ops/rows/rows.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { KvCache } from "./kv-cache.ts";
import { type ForwardMode, type Linear, project } from "./linear.ts";
import { applyHeadNorm, type RmsNorm } from "./norm.ts";
import type { SequenceTensors } from "./sequence.ts";

export interface SelfAttention {
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly o: Linear;
  /** Per-head norms before the rotation (Qwen3). */
  readonly qNorm: RmsNorm | undefined;
  readonly kNorm: RmsNorm | undefined;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Scores are q·k times this. */
  readonly scale: number;
  /** A query sees keys less than this many positions back; undefined: all. */
  readonly window: number | undefined;
}

/**
 * @param x [tokens, hidden], normalised
 * @param onlyWanted compute queries and output for `sequence.wanted` alone; keys and values are always for all
 * @returns [tokens or wanted, hidden]
 */
export function selfAttention(
  x: Tensor,
  block: SelfAttention,
  sequence: SequenceTensors,
  mode: ForwardMode,
  onlyWanted: boolean,
  cache?: { readonly store: KvCache; readonly layer: number },
): Tensor {
  const wanted = onlyWanted ? sequence.wanted : undefined;
  let q: Tensor;
  let k: Tensor;
  let v: Tensor;
  if (wanted === undefined) {
    [q, k, v] = project(x, [block.q, block.k, block.v], mode) as [Tensor, Tensor, Tensor];
  } else {
    [k, v] = project(x, [block.k, block.v], mode) as [Tensor, Tensor];
    [q] = project(gatherRows(x, wanted.index), [block.q], mode) as [Tensor];
  }
  const { heads, kvHeads, headDim, scale, window } = block;
  const { rotary: queryRotary, layout } = wanted ?? sequence;
  if (block.qNorm) q = applyHeadNorm(q, block.qNorm, heads);
  if (block.kNorm) k = applyHeadNorm(k, block.kNorm, kvHeads);
  q = rope(q, queryRotary.cos, queryRotary.sin, heads);
  k = rope(k, sequence.rotary.cos, sequence.rotary.sin, kvHeads);
  if (cache) ({ keys: k, values: v } = cache.store.append(cache.layer, k, v));
  const mixed = attention(q, k, v, layout, { heads, kvHeads, headDim, scale, ...(window && { window }) });
  return project(mixed, [block.o], mode)[0]!;
}
