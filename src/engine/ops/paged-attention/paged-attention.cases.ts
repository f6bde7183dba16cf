import { integers, normal, type OpCase } from "../op-case.ts";
import { pagedAttention, storePages } from "./paged-attention.ts";

interface Case {
  readonly name: string;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly pageSize: number;
  /** Of each sequence: its length, and how many of its last tokens ask. */
  readonly sequences: readonly (readonly [length: number, queries: number])[];
  readonly window?: number;
  readonly softcap?: number;
}

const cases: readonly Case[] = [
  { name: "one token", heads: 2, kvHeads: 1, headDim: 12, pageSize: 4, sequences: [[1, 1]] },
  {
    name: "decoding, GQA",
    heads: 6,
    kvHeads: 2,
    headDim: 64,
    pageSize: 16,
    sequences: [
      [33, 1],
      [1, 1],
      [16, 1],
      [130, 1],
      [17, 1],
    ],
  },
  {
    name: "chunks of prompts beside decoding, ten heads share one",
    heads: 10,
    kvHeads: 1,
    headDim: 40,
    pageSize: 8,
    sequences: [
      [21, 21],
      [70, 1],
      [50, 13],
    ],
  },
  {
    name: "head size 80, a window of 9",
    heads: 4,
    kvHeads: 4,
    headDim: 80,
    pageSize: 16,
    sequences: [
      [90, 3],
      [5, 5],
      [9, 1],
    ],
    window: 9,
  },
  {
    name: "head size 256, a soft cap and a window of 70",
    heads: 2,
    kvHeads: 1,
    headDim: 256,
    pageSize: 16,
    sequences: [
      [150, 2],
      [40, 1],
    ],
    window: 70,
    softcap: 2,
  },
  {
    name: "head size 128, a long context",
    heads: 7,
    kvHeads: 1,
    headDim: 128,
    pageSize: 32,
    sequences: [
      [601, 1],
      [3, 2],
    ],
  },
];

export const pagedAttentionCases: readonly OpCase[] = cases.map((one) => {
  const { name, heads, kvHeads, headDim, pageSize, sequences, window, softcap } = one;
  const pagesOf = sequences.map(([length]) => Math.ceil(length / pageSize));
  const pagesEach = Math.max(...pagesOf);
  const pages = sequences.length * pagesEach;
  // Pages are dealt out in an order of no meaning, with one that nobody has.
  const dealt = sequences.flatMap((_, s) =>
    Array.from({ length: pagesEach }, (_, i) => (i * sequences.length + s + 1) % (pages + 1)),
  );
  const placeOf = (s: number, p: number): number =>
    dealt[s * pagesEach + Math.floor(p / pageSize)]! * pageSize + (p % pageSize);
  const places = sequences.flatMap(([length], s) => Array.from({ length }, (_, p) => placeOf(s, p)));
  const queries = sequences.flatMap(([length, asking], s) =>
    Array.from({ length: asking }, (_, i) => ({ s, position: length - asking + i })),
  );
  const width = kvHeads * headDim;
  return {
    name: `paged-attention ${name}`,
    inputs: {
      q: normal([queries.length, heads * headDim], 1),
      k: normal([places.length, width], 2),
      v: normal([places.length, width], 3),
      keys: normal([(pages + 1) * pageSize, width], 4),
      values: normal([(pages + 1) * pageSize, width], 5),
      place: integers(places),
      sequence: integers(queries.map(({ s }) => s)),
      position: integers(queries.map(({ position }) => position)),
      pages: integers(dealt, [sequences.length, pagesEach]),
    },
    activations: [],
    likeActivations: ["q", "k", "v", "keys", "values"],
    parameters: [],
    run: ({ q, k, v, keys, values, place, sequence, position, pages }) => {
      const store = { keys: keys!, values: values!, pageSize };
      storePages(store, k!, v!, place!);
      const options = { heads, kvHeads, headDim, scale: headDim ** -0.5, window, softcap };
      const out = pagedAttention(q!, store, { sequence: sequence!, position: position!, pages: pages! }, options);
      return [out, keys!, values!];
    },
  };
});
