import type { Floats } from "../../device/reference/reference-device.ts";

/** The arguments both kernels end with. */
type Inputs = readonly [
  q: Floats,
  k: Floats,
  v: Floats,
  index: Int32Array,
  expiry: Int32Array,
  queryPosition: Int32Array,
  keyPosition: Int32Array,
  queries: number,
  keys: number,
  heads: number,
  kvHeads: number,
  headDim: number,
  scale: number,
  window: number,
  softcap: number,
  precision: number,
];

export const attentionReference = {
  attention_forward(out: Floats, lse: Floats | null, ...inputs: Inputs): void {
    const [, , v, , , , , queries, keys, heads, , headDim] = inputs;
    const score = scorer(...inputs);
    const scores = new Float64Array(keys);
    for (let query = 0; query < queries; query++) {
      for (let head = 0; head < heads; head++) {
        let largest = -Infinity;
        for (let key = 0; key < keys; key++) {
          scores[key] = score(query, key, head);
          largest = Math.max(largest, scores[key]!);
        }
        const at = (query * heads + head) * headDim;
        const sum = new Float64Array(headDim);
        let total = 0;
        for (let key = 0; key < keys; key++) {
          if (scores[key] === -Infinity) continue;
          const weight = Math.exp(scores[key]! - largest);
          total += weight;
          const from = keyRow(inputs, key, head);
          for (let i = 0; i < headDim; i++) sum[i]! += weight * v[from + i]!;
        }
        for (let i = 0; i < headDim; i++) out[at + i] = total === 0 ? 0 : sum[i]! / total;
        if (lse) lse[query * heads + head] = largest + Math.log(total);
      }
    }
  },

  attention_backward(
    dq: Floats,
    dk: Floats,
    dv: Floats,
    delta: Floats,
    dout: Floats,
    out: Floats,
    lse: Floats,
    ...inputs: Inputs
  ): void {
    const [q, k, v, , , , , queries, keys, heads, , headDim, scale, , softcap] = inputs;
    const score = scorer(...inputs);
    const sums = { q: new Float64Array(q.length), k: new Float64Array(k.length), v: new Float64Array(v.length) };
    for (let query = 0; query < queries; query++) {
      for (let head = 0; head < heads; head++) {
        const at = (query * heads + head) * headDim;
        const row = query * heads + head;
        delta[row] = dot(dout, at, out, at, headDim);
        for (let key = 0; key < keys; key++) {
          const s = score(query, key, head);
          if (s === -Infinity) continue;
          const from = keyRow(inputs, key, head);
          const probability = Math.exp(s - lse[row]!);
          const squeezed = softcap > 0 ? 1 - (s / softcap) ** 2 : 1;
          const ds = probability * (dot(dout, at, v, from, headDim) - delta[row]!) * squeezed * scale;
          for (let i = 0; i < headDim; i++) {
            sums.v[from + i]! += probability * dout[at + i]!;
            sums.q[at + i]! += ds * k[from + i]!;
            sums.k[from + i]! += ds * q[at + i]!;
          }
        }
      }
    }
    dq.set(sums.q);
    dk.set(sums.k);
    dv.set(sums.v);
  },
};

/** The score of a query and a key under one head, -infinity where the key is not visible. */
function scorer(...inputs: Inputs): (query: number, key: number, head: number) => number {
  const [q, k, , index, expiry, queryPosition, keyPosition, , , heads, , headDim, scale, window, softcap] = inputs;
  return (query, key, head) => {
    const visible =
      key <= index[query]! &&
      index[query]! < expiry[key]! &&
      (window === 0 || queryPosition[query]! - keyPosition[key]! < window);
    if (!visible) return -Infinity;
    const s = scale * dot(q, (query * heads + head) * headDim, k, keyRow(inputs, key, head), headDim);
    return softcap > 0 ? softcap * Math.tanh(s / softcap) : s;
  };
}

/** Where the row of k and v that a query head reads begins. */
function keyRow(inputs: Inputs, key: number, head: number): number {
  const [, , , , , , , , , heads, kvHeads, headDim] = inputs;
  return (key * kvHeads + Math.floor(head / (heads / kvHeads))) * headDim;
}

function dot(a: Floats, aFrom: number, b: Floats, bFrom: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[aFrom + i]! * b[bFrom + i]!;
  return sum;
}
