import { linearF32 } from "../linear/linear.ts";
import { type HostTensor, integers, normal, type OpCase } from "../op-case.ts";
import { sigmoidLoss, softmaxLoss } from "./class-loss.ts";

interface Shape {
  readonly rows: number;
  readonly width: number;
  readonly labels: number;
  readonly gamma: number;
  readonly smoothing?: number;
  /** How far logits spread; default 1. */
  readonly spread?: number;
}

function some(length: number, of: (i: number) => number): HostTensor {
  return { values: Float32Array.from({ length }, (_, i) => of(i)), shape: [length] };
}

function classifier({ rows, width, labels, spread = 1 }: Shape): OpCase["inputs"] {
  return {
    hidden: normal([rows, width], 1),
    weight: normal([labels, width], 2, spread),
    bias: normal([labels], 3),
    weights: some(rows, (i) => (i % 3) / 2 + 0.25),
  };
}

const softmax = [
  { rows: 1, width: 3, labels: 2, gamma: 0 },
  { rows: 7, width: 12, labels: 5, gamma: 2 },
  { rows: 19, width: 8, labels: 3, gamma: 0.5, smoothing: 0.1, spread: 3 },
  { rows: 5, width: 40, labels: 301, gamma: 1, smoothing: 0.2 },
].map(
  (shape: Shape): OpCase => ({
    name: `class-loss softmax ${JSON.stringify(shape)}`,
    inputs: {
      ...classifier(shape),
      targets: integers(Array.from({ length: shape.rows }, (_, i) => (i * 31 + shape.labels - 1) % shape.labels)),
      classWeights: some(shape.labels, (i) => 0.5 + (i % 4)),
    },
    activations: ["hidden"],
    parameters: ["weight", "bias"],
    cotangent: "ones",
    run: ({ hidden, weight, bias, targets, weights, classWeights }) =>
      softmaxLoss(linearF32(hidden!, weight!, bias), {
        targets: targets!,
        weights: weights!,
        classWeights: classWeights!,
        scale: 1,
        gamma: shape.gamma,
        smoothing: shape.smoothing ?? 0,
      }),
  }),
);

const sigmoid = [
  { rows: 1, width: 3, labels: 1, gamma: 0 },
  { rows: 7, width: 12, labels: 5, gamma: 2 },
  { rows: 9, width: 24, labels: 17, gamma: 0.5 },
].map(
  (shape: Shape): OpCase => ({
    name: `class-loss sigmoid ${JSON.stringify(shape)}`,
    inputs: {
      ...classifier(shape),
      targets: {
        values: Float32Array.from({ length: shape.rows * shape.labels }, (_, i) => [0, 1, 0.05][(i * 7) % 3]!),
        shape: [shape.rows, shape.labels],
      },
      positive: some(shape.labels, (i) => 0.5 + (i % 4)),
      negative: some(shape.labels, (i) => 0.25 + (i % 3)),
    },
    activations: ["hidden"],
    parameters: ["weight", "bias"],
    cotangent: "ones",
    run: ({ hidden, weight, bias, targets, weights, positive, negative }) =>
      sigmoidLoss(linearF32(hidden!, weight!, bias), {
        targets: targets!,
        weights: weights!,
        positive: positive!,
        negative: negative!,
        scale: 1,
        gamma: shape.gamma,
      }),
  }),
);

export const classLossCases: readonly OpCase[] = [...softmax, ...sigmoid];
