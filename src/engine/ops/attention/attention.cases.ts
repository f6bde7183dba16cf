import { integers, normal, type OpCase } from "../op-case.ts";
import { type AttentionOptions, attention } from "./attention.ts";
import { layoutOfTree, type Segment } from "./layout-of-tree.ts";

/** Three examples of odd lengths behind a shared beginning, one of them with two answers that share their beginning. */
const depthThree: Segment = {
  length: 37,
  children: [
    { length: 5 },
    { length: 18, children: [{ length: 3, children: [{ length: 2 }, { length: 1 }] }, { length: 4 }] },
    { length: 41 },
  ],
};

/** A beginning that many short examples share: the tiles of devices hold parts of several examples. */
const sharedBeginning: Segment = {
  length: 70,
  children: [13, 21, 5, 34, 8, 1, 17].map((length) => ({ length })),
};

interface Case extends Partial<AttentionOptions> {
  readonly name: string;
  readonly roots: readonly Segment[];
  /** Which tokens ask; left out: all. */
  readonly queries?: (tokens: number) => readonly number[];
  /** Keys that nobody sees, not even their own token; left out: none. */
  readonly hidden?: (token: number) => boolean;
  /** How many keys after its own a query sees in its segment; left out: none. */
  readonly ahead?: number;
}

const cases: readonly Case[] = [
  { name: "one segment", roots: [{ length: 19 }] },
  { name: "GQA, three packed segments", roots: [{ length: 33 }, { length: 1 }, { length: 70 }], kvHeads: 2 },
  { name: "MQA, a tree of depth three", roots: [depthThree], heads: 3, kvHeads: 1, headDim: 16 },
  { name: "two trees, head size 40", roots: [depthThree, { length: 9 }, depthThree], kvHeads: 2, headDim: 40 },
  { name: "a long segment", roots: [{ length: 299 }], heads: 2, kvHeads: 1, headDim: 8 },
  { name: "head size 80", roots: [depthThree], headDim: 80, heads: 2, kvHeads: 1 },
  { name: "a window of 8", roots: [depthThree, { length: 50 }], kvHeads: 2, window: 8 },
  { name: "a soft cap", roots: [depthThree], kvHeads: 1, softcap: 1.5, scale: 0.6 },
  {
    name: "some rows ask",
    roots: [depthThree, depthThree],
    kvHeads: 2,
    queries: (n) => range(n).filter((i) => i % 7 > 4),
  },
  {
    name: "head size 64, seven heads share one",
    roots: [{ length: 75 }],
    heads: 7,
    kvHeads: 1,
    headDim: 64,
    scale: 0.125,
  },
  {
    name: "head size 128, a shared beginning",
    roots: [sharedBeginning],
    heads: 3,
    kvHeads: 1,
    headDim: 128,
    scale: 0.09,
  },
  { name: "head size 96, a window of 30", roots: [sharedBeginning], kvHeads: 2, headDim: 96, scale: 0.1, window: 30 },
  {
    name: "head size 256, a soft cap",
    roots: [{ length: 20, children: [{ length: 15 }, { length: 33 }] }],
    heads: 2,
    kvHeads: 1,
    headDim: 256,
    scale: 0.12,
    softcap: 5,
  },
  {
    name: "head size 160, some rows ask",
    roots: [depthThree],
    heads: 2,
    kvHeads: 2,
    headDim: 160,
    scale: 0.08,
    queries: (n) => range(n).filter((i) => i % 5 > 2),
  },
  {
    name: "a beginning that 1,200 rows share",
    roots: [sharedBeginning],
    heads: 8,
    kvHeads: 1,
    headDim: 16,
    scale: 0.25,
  },
  {
    name: "queries that see nothing",
    roots: [{ length: 60, children: [{ length: 30 }] }, { length: 40 }],
    kvHeads: 2,
    headDim: 64,
    scale: 0.125,
    hidden: (token) => token < 7 || token > 80,
  },
  {
    name: "segments seen whole",
    roots: [33, 1, 70, 64, 2].map((length) => ({ length })),
    kvHeads: 2,
    ahead: Number.POSITIVE_INFINITY,
  },
  {
    name: "segments seen whole, their first rows ask",
    roots: [45, 3, 80].map((length) => ({ length })),
    headDim: 64,
    scale: 0.125,
    ahead: Number.POSITIVE_INFINITY,
    queries: () => [0, 45, 48],
  },
  {
    name: "head size 64, seven keys to each side",
    roots: [90, 5, 41, 130].map((length) => ({ length })),
    heads: 3,
    kvHeads: 3,
    headDim: 64,
    scale: 0.125,
    window: 8,
    ahead: 7,
  },
  {
    name: "head size 128, a long segment seen whole",
    roots: [{ length: 210 }],
    heads: 2,
    kvHeads: 1,
    headDim: 128,
    scale: 0.09,
    ahead: Number.POSITIVE_INFINITY,
  },
  {
    name: "a long segment, 64 keys to each side",
    roots: [{ length: 310 }, { length: 17 }],
    heads: 2,
    kvHeads: 2,
    window: 65,
    ahead: 64,
  },
  { name: "the last row asks", roots: [{ length: 83 }], kvHeads: 2, headDim: 24, queries: (n) => [n - 1] },
];

export const attentionCases: readonly OpCase[] = cases.map(({ name, roots, queries, hidden, ahead = 0, ...given }) => {
  const options = { heads: 4, kvHeads: 4, headDim: 12, scale: 0.3, ...given };
  const { expiry, position } = layoutOfTree(roots);
  const tokens = expiry.length;
  if (hidden !== undefined) for (const token of range(tokens).filter(hidden)) expiry[token] = 0;
  const index = queries?.(tokens) ?? range(tokens);
  const kvWidth = options.kvHeads * options.headDim;
  return {
    name: `attention ${name}`,
    inputs: {
      q: normal([index.length, options.heads * options.headDim], 1),
      k: normal([tokens, kvWidth], 2),
      v: normal([tokens, kvWidth], 3),
      index: integers(index.map((i) => (ahead === 0 ? i : Math.min(i + ahead, expiry[i]! - 1)))),
      expiry: integers(expiry),
      queryPosition: integers(index.map((i) => position[i]!)),
      keyPosition: integers(position),
    },
    activations: ["q", "k", "v"],
    parameters: [],
    run: ({ q, k, v, index, expiry, queryPosition, keyPosition }) =>
      attention(
        q!,
        k!,
        v!,
        { index: index!, expiry: expiry!, queryPosition: queryPosition!, keyPosition: keyPosition! },
        options,
      ),
  };
});

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
