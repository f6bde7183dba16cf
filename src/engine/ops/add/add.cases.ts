import { normal, type OpCase } from "../op-case.ts";
import { add } from "./add.ts";

export const addCases: readonly OpCase[] = [
  {
    name: "add 7x33",
    inputs: { a: normal([7, 33], 1), b: normal([7, 33], 2) },
    activations: ["a", "b"],
    parameters: [],
    run: ({ a, b }) => add(a!, b!),
  },
  {
    name: "add a tensor to itself",
    inputs: { a: normal([5, 3], 1) },
    activations: ["a"],
    parameters: [],
    run: ({ a }) => add(a!, a!),
  },
];
