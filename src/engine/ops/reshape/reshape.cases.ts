import { add } from "../add/add.ts";
import { normal, type OpCase } from "../op-case.ts";
import { reshape } from "./reshape.ts";

export const reshapeCases: readonly OpCase[] = [
  {
    name: "reshape 6x5 to 2x15, used twice",
    inputs: { x: normal([6, 5], 1) },
    activations: ["x"],
    parameters: [],
    run: ({ x }) => add(reshape(x!, [2, 15]), reshape(x!, [2, 15])),
  },
];
