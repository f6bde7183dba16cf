import { normal, type OpCase } from "../op-case.ts";
import { dropout } from "./dropout.ts";

export const dropoutCases: readonly OpCase[] = [
  { shape: [1, 1], p: 0.5, seed: 1, counter: 0 },
  { shape: [7, 33], p: 0.1, seed: 2 ** 32 - 1, counter: 5 },
  { shape: [130, 257], p: 0.3, seed: 12345, counter: 2 ** 32 - 100 },
  { shape: [3, 5], p: 0, seed: 1, counter: 0 },
].map(({ shape, p, seed, counter }) => ({
  name: `dropout ${shape.join("x")} p ${p}`,
  inputs: { x: normal(shape, 1) },
  activations: ["x"],
  parameters: [],
  run: ({ x }) => dropout(x!, p, seed, counter),
}));
