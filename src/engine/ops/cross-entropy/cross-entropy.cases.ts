import { integers, normal, type OpCase } from "../op-case.ts";
import { linearCrossEntropy } from "./cross-entropy.ts";

export const crossEntropyCases: readonly OpCase[] = [
  { rows: 1, width: 3, vocabulary: 2, softcap: 0, chunkRows: undefined },
  { rows: 7, width: 12, vocabulary: 37, softcap: 0, chunkRows: undefined },
  { rows: 11, width: 24, vocabulary: 101, softcap: 3, chunkRows: 4 },
  { rows: 33, width: 40, vocabulary: 515, softcap: 0, chunkRows: 8 },
].map(({ rows, width, vocabulary, softcap, chunkRows }) => ({
  name: `cross-entropy ${rows} rows of ${vocabulary}, softcap ${softcap}, chunks of ${chunkRows ?? "all"}`,
  inputs: {
    hidden: normal([rows, width], 1),
    weight: normal([vocabulary, width], 2, 0.7),
    targets: integers(Array.from({ length: rows }, (_, i) => (i * 31 + vocabulary - 1) % vocabulary)),
    weights: { values: Float32Array.from({ length: rows }, (_, i) => (i % 3) / 2 + 0.25), shape: [rows] },
  },
  activations: ["hidden"],
  parameters: ["weight"],
  cotangent: "ones" as const,
  run: ({ hidden, weight, targets, weights }) =>
    linearCrossEntropy(hidden!, weight!, targets!, weights!, 1, chunkRows ? { softcap, chunkRows } : { softcap }),
}));
