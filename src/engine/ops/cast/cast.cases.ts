import { normal, type OpCase } from "../op-case.ts";
import { cast } from "./cast.ts";

export const castCases: readonly OpCase[] = [1, 37, 70_001].map((length) => ({
  name: `cast ${length} to bf16 and back`,
  inputs: { x: normal([length], 1) },
  activations: [],
  parameters: [],
  run: ({ x }) => cast(cast(x!, "bf16"), "f32"),
}));
