import { Random } from "../../../base/random.ts";
import { type HostTensor, integers, type OpCase } from "../op-case.ts";
import { TOP, topTokens } from "./top-tokens.ts";

/** Whole numbers: products are exact in every precision, and equal logits are frequent. */
function whole(shape: readonly [number, number], seed: number, most: number): HostTensor {
  const random = new Random(seed, "top-tokens");
  const value = (): number => Math.floor(random.uniform() * (2 * most + 1)) - most;
  return { shape, values: Float32Array.from({ length: shape[0] * shape[1] }, value) };
}

/** Masks of about `share` of the tokens. */
function maskBits(count: number, vocabulary: number, share: number): HostTensor {
  const random = new Random(5, "top-tokens");
  const words = Math.ceil(vocabulary / 32);
  const values = new Int32Array(count * words);
  for (let mask = 0; mask < count; mask++) {
    for (let id = 0; id < vocabulary; id++) {
      if (id === 3 || random.uniform() < share) values[mask * words + Math.floor(id / 32)]! |= 1 << (id % 32);
    }
  }
  return { shape: [count, words], values };
}

export const topTokensCases: readonly OpCase[] = [
  { name: "5 rows of 37", rows: 5, vocabulary: 37, softcap: 0, share: undefined },
  { name: "7 rows of 1,031, three at a time, a soft cap", rows: 7, vocabulary: 1031, softcap: 30, share: undefined },
  { name: "6 rows of 700 under masks of a third", rows: 6, vocabulary: 700, softcap: 0, share: 0.3 },
  { name: "6 rows of 515 under masks of few", rows: 6, vocabulary: 515, softcap: 0, share: 0.02 },
].map(({ name, rows, vocabulary, softcap, share }) => ({
  name: `top-tokens ${name}`,
  inputs: {
    hidden: whole([rows, 16], 1, 2),
    weight: whole([vocabulary, 16], 2, 3),
    inverseTemperature: { shape: [rows], values: Float32Array.from({ length: rows }, (_, row) => 0.5 + 0.25 * row) },
    masks: maskBits(2, vocabulary, share ?? 1),
    maskOf: integers(Array.from({ length: rows }, (_, row) => (row % 3) - 1)),
  },
  activations: [],
  likeActivations: ["hidden"],
  parameters: [],
  run: ({ hidden, weight, inverseTemperature, masks, maskOf }) => {
    const masked = share === undefined ? undefined : { masks: masks!, of: maskOf! };
    const { ids, logits, statistics } = topTokens(hidden!, weight!, inverseTemperature!, {
      masks: masked,
      softcap,
      chunkRows: 3,
    });
    // Where fewer than TOP are allowed, logits are -infinity, which the suite cannot compare.
    return vocabulary * (share ?? 1) > 2 * TOP ? [ids, statistics, logits] : [ids, statistics];
  },
}));
