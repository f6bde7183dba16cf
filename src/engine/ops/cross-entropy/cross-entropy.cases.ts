import { encodeBf16 } from "../../device/bf16.ts";
import { integers, normal, type OpCase } from "../op-case.ts";
import { linearCrossEntropy } from "./cross-entropy.ts";

interface Shape {
  readonly rows: number;
  readonly width: number;
  readonly vocabulary: number;
  readonly softcap?: number;
  readonly gamma?: number;
  readonly smoothing?: number;
  readonly chunkRows?: number;
}

function inputs({ rows, width, vocabulary }: Shape): OpCase["inputs"] {
  return {
    hidden: normal([rows, width], 1),
    weight: normal([vocabulary, width], 2, 0.7),
    targets: integers(Array.from({ length: rows }, (_, i) => (i * 31 + vocabulary - 1) % vocabulary)),
    weights: { values: Float32Array.from({ length: rows }, (_, i) => (i % 3) / 2 + 0.25), shape: [rows] },
  };
}

const trained = [
  { rows: 1, width: 3, vocabulary: 2 },
  { rows: 7, width: 12, vocabulary: 37 },
  { rows: 11, width: 24, vocabulary: 101, softcap: 3, chunkRows: 4 },
  { rows: 33, width: 40, vocabulary: 515, chunkRows: 8 },
  { rows: 2, width: 8, vocabulary: 9001, softcap: 5 },
  { rows: 7, width: 12, vocabulary: 37, gamma: 2 },
  { rows: 5, width: 12, vocabulary: 131, gamma: 0.5, softcap: 4 },
  { rows: 6, width: 16, vocabulary: 515, smoothing: 0.1 },
  { rows: 6, width: 16, vocabulary: 4100, smoothing: 0.2, gamma: 1, softcap: 6, chunkRows: 4 },
].map(
  (shape: Shape): OpCase => ({
    name: `cross-entropy ${JSON.stringify(shape)}`,
    inputs: inputs(shape),
    activations: ["hidden"],
    parameters: ["weight"],
    cotangent: "ones",
    run: ({ hidden, weight, targets, weights }) => linearCrossEntropy(hidden!, weight!, targets!, weights!, 1, shape),
  }),
);

const frozen = inputs({ rows: 9, width: 24, vocabulary: 100 });

export const crossEntropyCases: readonly OpCase[] = [
  ...trained,
  {
    name: "cross-entropy under a frozen bf16 head",
    inputs: { ...frozen, weight: { shape: [100, 24], values: encodeBf16(frozen.weight!.values) } },
    activations: ["hidden"],
    parameters: [],
    cotangent: "ones",
    run: ({ hidden, weight, targets, weights }) => linearCrossEntropy(hidden!, weight!, targets!, weights!, 1),
  },
  {
    name: "cross-entropy, gradient of the head alone",
    inputs: frozen,
    activations: [],
    likeActivations: ["hidden"],
    parameters: ["weight"],
    cotangent: "ones",
    run: ({ hidden, weight, targets, weights }) => linearCrossEntropy(hidden!, weight!, targets!, weights!, 1),
  },
];
