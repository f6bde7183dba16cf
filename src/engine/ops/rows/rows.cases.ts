import { integers, normal, type OpCase } from "../op-case.ts";
import { gatherRows } from "./rows.ts";

export const rowsCases: readonly OpCase[] = [
  {
    name: "gather rows of 33, one of them three times",
    inputs: { x: normal([7, 33], 1), index: integers([6, 2, 2, 0, 2]) },
    activations: ["x"],
    parameters: [],
    run: ({ x, index }) => gatherRows(x!, index!),
  },
  {
    name: "gather rows of 2100, many of them often",
    inputs: { x: normal([17, 2100], 1), index: integers(Array.from({ length: 45 }, (_, i) => (i * i) % 17)) },
    activations: ["x"],
    parameters: [],
    run: ({ x, index }) => gatherRows(x!, index!),
  },
  {
    name: "gather rows of 300",
    inputs: { x: normal([130, 300], 1), index: integers(Array.from({ length: 65 }, (_, i) => 129 - 2 * i)) },
    activations: ["x"],
    parameters: [],
    run: ({ x, index }) => gatherRows(x!, index!),
  },
];
