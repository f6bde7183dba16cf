import type { Activation } from "../activation/activation.ts";
import { normal, type OpCase } from "../op-case.ts";
import { gated } from "./gated.ts";

const activations: readonly Activation[] = ["silu", "gelu_pytorch_tanh", "gelu", "relu", "tanh", "quick_gelu"];

export const gatedCases: readonly OpCase[] = activations.flatMap((activation) =>
  [
    [1, 1],
    [7, 33],
    [130, 257],
  ].map((shape) => ({
    name: `gated ${activation} ${shape.join("x")}`,
    inputs: { gate: normal(shape, 1, 3), up: normal(shape, 2) },
    activations: ["gate", "up"],
    parameters: [],
    run: ({ gate, up }) => gated(gate!, up!, activation),
  })),
);
