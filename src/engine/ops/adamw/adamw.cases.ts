import { empty, type Tensor } from "../../tensor/tensor.ts";
import { cast } from "../cast/cast.ts";
import { type HostTensor, normal, type OpCase } from "../op-case.ts";
import { type AdamwOptions, adamw } from "./adamw.ts";

const settings = { learningRate: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, gradientScale: 0.5 };

/** Second moments are never negative. */
function squares({ values, shape }: HostTensor): HostTensor {
  return { values: Float32Array.from(values, (value) => value ** 2), shape };
}

function inputs(length: number): OpCase["inputs"] {
  return {
    p: normal([length], 1),
    g: normal([length], 2),
    m: normal([length], 3, 0.1),
    v: squares(normal([length], 4, 0.3)),
  };
}

const f32Cases: readonly OpCase[] = [1, 31, 40_007].flatMap((length) =>
  [1, 1000].map((step) => ({
    name: `adamw ${length} step ${step}`,
    inputs: inputs(length),
    activations: [],
    parameters: [],
    run: ({ p, g, m, v }) => {
      adamw(p!, g!, { m: m!, v: v! }, { ...settings, step, seed: 0 });
      return [p!, m!, v!];
    },
  })),
);

const roundedCase: OpCase = {
  name: "adamw 1003 with a rounded copy",
  inputs: inputs(1003),
  activations: [],
  parameters: [],
  // A value within a rounding of the middle between two bf16 values may become either.
  tolerance: 2 ** -8,
  run: ({ p, g, m, v }) => {
    const rounded = empty(p!.device, p!.shape, "bf16");
    adamw(p!, g!, { m: m!, v: v! }, { ...settings, step: 3, seed: 0 }, rounded);
    return cast(rounded, "f32");
  },
};

const bf16Cases: readonly OpCase[] = [1, 31, 40_007].flatMap((length) => {
  const run = ({ p, g, m, v }: Readonly<Record<string, Tensor>>): Tensor[] => {
    const [narrow, gradient] = [cast(p!, "bf16"), cast(g!, "bf16")];
    const options: AdamwOptions = { ...settings, step: 2, seed: 0xdeadbeef };
    adamw(narrow, gradient, { m: m!, v: v! }, options);
    return [cast(narrow, "f32"), m!, v!];
  };
  return {
    name: `adamw ${length} in bf16`,
    inputs: inputs(length),
    activations: [],
    parameters: [],
    tolerance: 2 ** -8,
    run,
  };
});

export const adamwCases: readonly OpCase[] = [...f32Cases, roundedCase, ...bf16Cases];
