import { normal, type OpCase } from "../op-case.ts";
import { type Activation, activate } from "./activation.ts";

const activations: readonly Activation[] = ["silu", "gelu_pytorch_tanh", "gelu", "relu", "tanh", "quick_gelu"];

export const activationCases: readonly OpCase[] = activations.flatMap((activation) =>
  [
    [1, 1],
    [7, 33],
    [130, 257],
  ].map((shape) => ({
    name: `activation ${activation} ${shape.join("x")}`,
    inputs: { x: normal(shape, 1, 3) },
    activations: ["x"],
    parameters: [],
    run: ({ x }) => activate(x!, activation),
  })),
);
