import { type HostTensor, normal, type OpCase } from "../op-case.ts";
import { adamw } from "./adamw.ts";

/** Second moments are never negative. */
function squares({ values, shape }: HostTensor): HostTensor {
  return { values: Float32Array.from(values, (value) => value ** 2), shape };
}

export const adamwCases: readonly OpCase[] = [1, 31, 40_007].flatMap((length) =>
  [1, 1000].map((step) => ({
    name: `adamw ${length} step ${step}`,
    inputs: {
      p: normal([length], 1),
      g: normal([length], 2),
      m: normal([length], 3, 0.1),
      v: squares(normal([length], 4, 0.3)),
    },
    activations: [],
    parameters: [],
    run: ({ p, g, m, v }) => {
      adamw(
        p!,
        g!,
        { m: m!, v: v! },
        { learningRate: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, step, gradientScale: 0.5 },
      );
      return [p!, m!, v!];
    },
  })),
);
