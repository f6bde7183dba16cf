/** Grouped-query self-attention over a token forest, causal or seeing ahead, with rotary positions or without. */
import { type AttentionOptions, attention } from "../ops/attention/attention.ts";
import { type PageStore, pagedAttention, storePages } from "../ops/paged-attention/paged-attention.ts";
import { reshape } from "../ops/reshape/reshape.ts";
import { rope } from "../ops/rope/rope.ts";
import { gatherRows } from "../ops/rows/rows.ts";
import { splitColumns } from "../ops/split/split.ts";
import { rowCount, type Tensor } from "../tensor/tensor.ts";
import { type ForwardMode, type Linear, project } from "./linear.ts";
import { applyHeadNorm, type Norm } from "./norm.ts";
import type { SequenceTensors, WantedRows } from "./sequence.ts";

export interface SelfAttention {
  readonly input: SeparateQkv | FusedQkv;
  readonly output: Linear;
  /** Per-head norms before the rotation (Qwen3, Gemma 3). */
  readonly qNorm?: Norm | undefined;
  readonly kNorm?: Norm | undefined;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Scores are q·k times this. */
  readonly scale: number;
  /** Scores are squeezed into ± this by tanh (Gemma 2). */
  readonly softcap?: number | undefined;
  /** A query sees keys less than this many positions back; undefined: all. */
  readonly window?: number | undefined;
  /** A query sees so many keys after itself in its segment as well; undefined: none. Infinity: all. */
  readonly ahead?: number | undefined;
  /** Which of the sequence's rotary tables turns q and k; undefined: none does. */
  readonly rotary?: number | undefined;
}

export interface SeparateQkv {
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
}

/** One layer whose output holds queries, keys and values: all of a kind together, or head by head. */
export interface FusedQkv {
  readonly qkv: Linear;
  readonly groupedBy: "kind" | "head";
}

interface Qkv {
  /** [tokens or wanted, heads · headDim] */
  readonly q: Tensor;
  /** [tokens, kvHeads · headDim] */
  readonly k: Tensor;
  readonly v: Tensor;
}

/**
 * @param x [tokens, hidden], normalised
 * @param store where a paged sequence's keys and values go, and are
 * @param onlyWanted compute queries and output for `sequence.wanted` alone; keys and values are always for all
 * @returns [tokens or wanted, hidden]
 */
export function selfAttention(
  x: Tensor,
  block: SelfAttention,
  sequence: SequenceTensors,
  mode: ForwardMode,
  onlyWanted: boolean,
  store?: PageStore,
): Tensor {
  const wanted = onlyWanted ? sequence.wanted : undefined;
  let { q, k, v } = projectQkv(x, block, wanted?.index, mode);
  const { heads, kvHeads, headDim, scale, softcap, window, rotary, ahead = 0 } = block;
  if (block.qNorm) q = applyHeadNorm(q, block.qNorm, heads);
  if (block.kNorm) k = applyHeadNorm(k, block.kNorm, kvHeads);
  if (rotary !== undefined) {
    const ofQueries = (wanted ?? sequence).rotary[rotary]!;
    const ofKeys = sequence.rotary[rotary]!;
    q = rope(q, ofQueries.cos, ofQueries.sin, heads);
    k = rope(k, ofKeys.cos, ofKeys.sin, kvHeads);
  }
  const options = { heads, kvHeads, headDim, scale, softcap, window };
  const mixed = store
    ? throughPages(q, k, v, store, sequence, wanted, options)
    : attention(q, k, v, (wanted ?? sequence).layouts.get(ahead)!, options);
  return project(mixed, [block.output], mode)[0]!;
}

function throughPages(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  store: PageStore,
  { paged }: SequenceTensors,
  wanted: WantedRows | undefined,
  options: AttentionOptions,
): Tensor {
  storePages(store, k, v, paged!.places);
  return pagedAttention(q, store, wanted?.queries ?? paged!.queries, options);
}

function projectQkv(x: Tensor, { input, ...block }: SelfAttention, wanted: Tensor | undefined, mode: ForwardMode): Qkv {
  if ("qkv" in input) {
    const all = split(project(x, [input.qkv], mode)[0]!, input.groupedBy, block);
    return wanted === undefined ? all : { ...all, q: gatherRows(all.q, wanted) };
  }
  if (wanted === undefined) {
    const [q, k, v] = project(x, [input.q, input.k, input.v], mode) as [Tensor, Tensor, Tensor];
    return { q, k, v };
  }
  const [k, v] = project(x, [input.k, input.v], mode) as [Tensor, Tensor];
  const [q] = project(gatherRows(x, wanted), [input.q], mode) as [Tensor];
  return { q, k, v };
}

function split(
  fused: Tensor,
  groupedBy: FusedQkv["groupedBy"],
  { heads, kvHeads, headDim }: Pick<SelfAttention, "heads" | "kvHeads" | "headDim">,
): Qkv {
  const tokens = rowCount(fused);
  if (groupedBy === "kind") {
    const [q, k, v] = splitColumns(
      fused,
      [heads, kvHeads, kvHeads].map((count) => count * headDim),
    );
    return { q: q!, k: k!, v: v! };
  }
  const byHead = splitColumns(reshape(fused, [tokens * heads, 3 * headDim]), [headDim, headDim, headDim]);
  const [q, k, v] = byHead.map((part) => reshape(part, [tokens, heads * headDim]));
  return { q: q!, k: k!, v: v! };
}
