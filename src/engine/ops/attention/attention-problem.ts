import type { BufferView } from "../../device/device.ts";

/** The arguments that both kernels of attention end with. */
export type Inputs = readonly [
  q: BufferView,
  k: BufferView,
  v: BufferView,
  index: BufferView,
  expiry: BufferView,
  queryPosition: BufferView,
  keyPosition: BufferView,
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

/** The same by name. */
export interface Problem {
  readonly q: BufferView;
  readonly k: BufferView;
  readonly v: BufferView;
  readonly layout: readonly [index: BufferView, expiry: BufferView, queryPosition: BufferView, keyPosition: BufferView];
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** Heads that share a key-value head. */
  readonly group: number;
  /** Of one key-value head: the queries under each of its heads. */
  readonly rows: number;
  readonly headDim: number;
  readonly scale: number;
  /** A query sees keys less than so many positions back: the window, or more than there can be. */
  readonly reach: number;
  readonly softcap: number;
}

export function readProblem(inputs: Inputs): Problem {
  const [q, k, v, index, expiry, queryPosition, keyPosition, queries, keys, heads, kvHeads, headDim] = inputs;
  const [, , , , , , , , , , , , scale, window, softcap] = inputs;
  const layout = [index, expiry, queryPosition, keyPosition] as const;
  const group = heads / kvHeads;
  const sizes = { queries, keys, heads, kvHeads, group, rows: queries * group, headDim };
  return { q, k, v, layout, ...sizes, scale, reach: window > 0 ? window : 2 ** 31 - 1, softcap };
}
