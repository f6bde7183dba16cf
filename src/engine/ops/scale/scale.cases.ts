import { normal, type OpCase } from "../op-case.ts";
import { scale } from "./scale.ts";

export const scaleCases: readonly OpCase[] = [1, 37, 70_001].map((length) => ({
  name: `scale ${length}`,
  inputs: { x: normal([length], 1) },
  activations: [],
  parameters: [],
  run: ({ x }) => {
    scale(x!, -0.75);
    return x!;
  },
}));
