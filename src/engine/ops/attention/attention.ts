/**
 * Attention over a pack: a forest of segments laid out flat in depth-first order, where key k expires at the end of its
 * segment's subtree, so that one rule covers packing, shared prompts, label tries and key-value caches:
 *
 *   visible(q, k) = k <= index[q] < expiry[k]  and  (window = 0 or queryPosition[q] - keyPosition[k] < window)
 *
 * index[q] is where a query stands: at its own key it is causal; at the last key of its segment it sees all of the segment,
 * and what is before that has expired; at most a keys further than its own, with window a + 1, it sees a keys to each side.
 *
 *   s = scale · q·k, or softcap · tanh(scale · q·k / softcap) where softcap > 0
 *   out = sum over visible k of exp(s - lse) · v,  lse = log of the sum over visible k of exp(s)
 *
 * Query head h reads key-value head floor(h / (heads / kvHeads)). A query that sees no key has out 0 and lse -infinity.
 * Only lse is kept for the backward pass; probabilities are computed again (Dao et al. 2022, arXiv 2205.14135):
 *
 *   p = exp(s - lse), dv = sum over q of p · dout, ds = p · (dout·v - dout·out), times 1 - (s / softcap)² under a cap,
 *   dq = scale · sum over k of ds · k, dk = scale · sum over q of ds · q
 *
 * Kernels:
 *   attention_forward  (out [queries, heads * headDim], lse [queries, heads] | null, q like out,
 *                       k [keys, kvHeads * headDim], v like k, index [queries] ascending, expiry [keys],
 *                       queryPosition [queries], keyPosition [keys], queries, keys, heads, kvHeads, headDim, scale,
 *                       window (0: none), softcap (0: none), precision)
 *   attention_backward (dq, dk, dv, delta [queries, heads] (scratch: dout·out), dout, out, lse, then as in forward from q)
 */
import { precisionCode } from "../../device/device.ts";
import { isRecording, record } from "../../tensor/tape.ts";
import { empty, expectShape, type Tensor } from "../../tensor/tensor.ts";

/** Who sees whom: i32 tensors on the device of q, k and v, the same for every layer of a pass. */
export interface AttentionLayout {
  /** [queries] Where each query row stands in the order of the keys, the last that it sees; ascending, repeats allowed. */
  readonly index: Tensor;
  /** [keys] The first index that no longer sees the key: the end of its segment's subtree. */
  readonly expiry: Tensor;
  /** [queries] Depth of the query's token in the tree, which is its position for RoPE. */
  readonly queryPosition: Tensor;
  /** [keys] The same of each key. */
  readonly keyPosition: Tensor;
}

export interface AttentionOptions {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Factor on q·k, usually headDim^-0.5. */
  readonly scale: number;
  /** A query sees keys less than this many positions back; 0 or left out: all. */
  readonly window?: number | undefined;
  /** Scores are squeezed into ±softcap by tanh; 0 or left out: not. */
  readonly softcap?: number | undefined;
}

/**
 * @param q [queries, heads * headDim] @param k [keys, kvHeads * headDim] @param v like k
 * @returns [queries, heads * headDim]
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  layout: AttentionLayout,
  { heads, kvHeads, headDim, scale, window = 0, softcap = 0 }: AttentionOptions,
): Tensor {
  const { index, expiry, queryPosition, keyPosition } = layout;
  const { device } = q;
  const queries = index.length;
  const keys = expiry.length;
  if (heads % kvHeads !== 0)
    throw new Error(`attention: ${heads} heads do not share ${kvHeads} key-value heads evenly`);
  expectShape("attention q", q, [queries, heads * headDim]);
  expectShape("attention k", k, [keys, kvHeads * headDim]);
  expectShape("attention v", v, k.shape);
  expectShape("attention queryPosition", queryPosition, [queries]);
  expectShape("attention keyPosition", keyPosition, [keys]);

  const out = empty(device, q.shape, q.dtype);
  const lse = isRecording([q, k, v]) ? empty(device, [queries, heads]) : null;
  const sizes = [queries, keys, heads, kvHeads, headDim, scale, window, softcap, precisionCode[device.precision]];
  const inputs = [q, k, v, index, expiry, queryPosition, keyPosition, ...sizes];
  device.launch("attention_forward", [out, lse, ...inputs]);
  if (lse === null) return out;
  record([out], [q, k, v], [out, lse, q, k, v, index, expiry, queryPosition, keyPosition], ([dout]) => {
    const dq = empty(device, q.shape, q.dtype);
    const dk = empty(device, k.shape, k.dtype);
    const dv = empty(device, v.shape, v.dtype);
    const delta = empty(device, [queries, heads]);
    device.launch("attention_backward", [dq, dk, dv, delta, dout!, out, lse, ...inputs]);
    return [dq, dk, dv];
  });
  return out;
}
