import { type HostTensor, normal, type OpCase } from "../op-case.ts";
import { rope } from "./rope.ts";

/** Angles of scattered positions, as a pack has them. */
function angles(tokens: number, half: number, of: (angle: number) => number): HostTensor {
  const values = Float32Array.from({ length: tokens * half }, (_, at) => {
    const token = Math.floor(at / half);
    return of(((token * 7) % 11) * 100 ** (-(at % half) / half));
  });
  return { values, shape: [tokens, half] };
}

export const ropeCases: readonly OpCase[] = [
  { tokens: 3, heads: 1, headDim: 2 },
  { tokens: 5, heads: 3, headDim: 10 },
  { tokens: 33, heads: 2, headDim: 64 },
  { tokens: 130, heads: 7, headDim: 72 },
].map(({ tokens, heads, headDim }) => ({
  name: `rope ${tokens} tokens, ${heads} heads of ${headDim}`,
  inputs: {
    x: normal([tokens, heads * headDim], 1),
    cos: angles(tokens, headDim / 2, Math.cos),
    sin: angles(tokens, headDim / 2, Math.sin),
  },
  activations: ["x"],
  parameters: [],
  run: ({ x, cos, sin }) => rope(x!, cos!, sin!, heads),
}));
