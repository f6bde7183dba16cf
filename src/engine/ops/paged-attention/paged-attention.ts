/**
 * Attention of tokens of many sequences at once over keys and values that lie in pages of one store (Kwon et al. 2023,
 * arXiv 2309.06180). Position p of a sequence is row `pages[sequence][p / pageSize] · pageSize + p % pageSize` of the
 * store; a query sees the positions of its own sequence up to its own, under a window only the last of them:
 *
 *   visible(q, p) = p <= position[q]  and  (window = 0 or position[q] - p < window)
 *   s = scale · q·k, or softcap · tanh(scale · q·k / softcap) where softcap > 0;  out = softmax(s) · v
 *
 * Query head h reads key-value head floor(h / (heads / kvHeads)). A row's result does not depend on which other rows are
 * computed with it. No gradient.
 *
 * Kernels:
 *   store_pages     (keys [places, width], values like keys, k [tokens, width], v like k, place i32 [tokens], tokens, width)
 *                   keys[place[i]] = k[i], values[place[i]] = v[i]
 *   paged_attention (out [queries, heads * headDim], q like out, keys [places, kvHeads * headDim], values like keys,
 *                   sequence i32 [queries], position i32 [queries], pages i32 [sequences, pagesEach], queries, pagesEach,
 *                   pageSize, heads, kvHeads, headDim, scale, window (0: none), softcap (0: none))
 */
import { empty, expectShape, type Tensor } from "../../tensor/tensor.ts";
import type { AttentionOptions } from "../attention/attention.ts";

/** Where the queries stand: i32 tensors, the same for every layer of a pass. */
export interface PagedQueries {
  /** [queries] Row of `pages`. */
  readonly sequence: Tensor;
  /** [queries] Position in the sequence, whose key is in the store already. */
  readonly position: Tensor;
  /** [sequences, pages of the longest] Numbers of pages; what is past a sequence's end is not read. */
  readonly pages: Tensor;
}

/** Keys and values of one layer, [places, kvHeads * headDim] each, of the dtype of activations. */
export interface PageStore {
  readonly keys: Tensor;
  readonly values: Tensor;
  /** Positions of a page; `places` is a multiple of it. */
  readonly pageSize: number;
}

/** Puts keys and values [tokens, width] of new tokens into their places, i32 [tokens], all different. */
export function storePages({ keys, values }: PageStore, k: Tensor, v: Tensor, place: Tensor): void {
  const [tokens, width] = [place.length, keys.shape[1]!];
  expectShape("store-pages k", k, [tokens, width]);
  expectShape("store-pages v", v, k.shape);
  keys.device.launch("store_pages", [keys, values, k, v, place, tokens, width]);
}

/** @param q [queries, heads * headDim] @returns like q */
export function pagedAttention(
  q: Tensor,
  { keys, values, pageSize }: PageStore,
  { sequence, position, pages }: PagedQueries,
  { heads, kvHeads, headDim, scale, window = 0, softcap = 0 }: AttentionOptions,
): Tensor {
  const { device } = q;
  const queries = sequence.length;
  expectShape("paged-attention q", q, [queries, heads * headDim]);
  expectShape("paged-attention position", position, [queries]);
  expectShape("paged-attention keys", keys, [keys.shape[0]!, kvHeads * headDim]);
  expectShape("paged-attention values", values, keys.shape);
  const out = empty(device, q.shape, q.dtype);
  const sizes = [queries, pages.shape[1]!, pageSize, heads, kvHeads, headDim, scale, window, softcap];
  device.launch("paged_attention", [out, q, keys, values, sequence, position, pages, ...sizes]);
  return out;
}
