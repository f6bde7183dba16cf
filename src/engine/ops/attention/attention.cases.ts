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

interface Case extends Partial<AttentionOptions> {
  readonly name: string;
  readonly roots: readonly Segment[];
  /** Which tokens ask; left out: all. */
  readonly queries?: (tokens: number) => readonly number[];
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
  { name: "the last row asks", roots: [{ length: 83 }], kvHeads: 2, headDim: 24, queries: (n) => [n - 1] },
];

export const attentionCases: readonly OpCase[] = cases.map(({ name, roots, queries, ...given }) => {
  const options = { heads: 4, kvHeads: 4, headDim: 12, scale: 0.3, ...given };
  const { expiry, position } = layoutOfTree(roots);
  const tokens = expiry.length;
  const index = queries?.(tokens) ?? range(tokens);
  const kvWidth = options.kvHeads * options.headDim;
  return {
    name: `attention ${name}`,
    inputs: {
      q: normal([index.length, options.heads * options.headDim], 1),
      k: normal([tokens, kvWidth], 2),
      v: normal([tokens, kvWidth], 3),
      index: integers(index),
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
