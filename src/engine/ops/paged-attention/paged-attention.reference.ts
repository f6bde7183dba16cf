import type { Floats } from "../../device/reference/reference-device.ts";

export const pagedAttentionReference = {
  store_pages(
    keys: Floats,
    values: Floats,
    k: Floats,
    v: Floats,
    place: Int32Array,
    tokens: number,
    width: number,
  ): void {
    for (let i = 0; i < tokens; i++) {
      keys.set(k.subarray(i * width, (i + 1) * width), place[i]! * width);
      values.set(v.subarray(i * width, (i + 1) * width), place[i]! * width);
    }
  },

  paged_attention(
    out: Floats,
    q: Floats,
    keys: Floats,
    values: Floats,
    sequence: Int32Array,
    position: Int32Array,
    pages: Int32Array,
    queries: number,
    pagesEach: number,
    pageSize: number,
    heads: number,
    kvHeads: number,
    headDim: number,
    scale: number,
    window: number,
    softcap: number,
  ): void {
    for (let query = 0; query < queries; query++) {
      const last = position[query]!;
      const first = window === 0 ? 0 : Math.max(0, last - window + 1);
      for (let head = 0; head < heads; head++) {
        const kvHead = Math.floor(head / (heads / kvHeads));
        const at = (query * heads + head) * headDim;
        const row = (p: number): number => {
          const page = pages[sequence[query]! * pagesEach + Math.floor(p / pageSize)]!;
          return ((page * pageSize + (p % pageSize)) * kvHeads + kvHead) * headDim;
        };
        const scores: number[] = [];
        for (let p = first; p <= last; p++) {
          let dot = 0;
          for (let i = 0; i < headDim; i++) dot += q[at + i]! * keys[row(p) + i]!;
          scores.push(softcap > 0 ? softcap * Math.tanh((scale * dot) / softcap) : scale * dot);
        }
        const largest = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - largest));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (let i = 0; i < headDim; i++) {
          let sum = 0;
          for (let p = first; p <= last; p++) sum += weights[p - first]! * values[row(p) + i]!;
          out[at + i] = sum / total;
        }
      }
    }
  },
};
