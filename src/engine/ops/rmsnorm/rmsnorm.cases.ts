import { normal, type OpCase } from "../op-case.ts";
import { rmsnorm } from "./rmsnorm.ts";

export const rmsnormCases: readonly OpCase[] = [
  [3, 8, 0],
  [7, 33, 0],
  [5, 24, 1],
  [130, 256, 0],
].map(([rows, width, offset]) => ({
  name: `rmsnorm ${rows}x${width} offset ${offset}`,
  inputs: { x: normal([rows!, width!], 1), weight: normal([width!], 2, 0.3) },
  activations: ["x"],
  parameters: ["weight"],
  run: ({ x, weight }) => rmsnorm(x!, weight!, 1e-6, offset === 1 ? 1 : 0),
}));
