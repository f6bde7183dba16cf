import { normal, type OpCase } from "../op-case.ts";
import { rmsnorm } from "./rmsnorm.ts";

export const rmsnormCases: readonly OpCase[] = [
  { rows: 3, width: 8, offset: 0 as const, needs: "both" },
  { rows: 7, width: 33, offset: 0 as const, needs: "both" },
  { rows: 5, width: 24, offset: 1 as const, needs: "both" },
  { rows: 700, width: 64, offset: 1 as const, needs: "both" },
  { rows: 130, width: 256, offset: 0 as const, needs: "x" },
  { rows: 130, width: 257, offset: 0 as const, needs: "weight" },
  { rows: 9, width: 1096, offset: 1 as const, needs: "both" },
  { rows: 4, width: 5003, offset: 0 as const, needs: "both" },
].map(({ rows, width, offset, needs }) => ({
  name: `rmsnorm ${rows}x${width}, offset ${offset}, gradient of ${needs}`,
  inputs: { x: normal([rows, width], 1), weight: normal([width], 2, 0.3) },
  activations: needs === "weight" ? [] : ["x"],
  likeActivations: ["x"],
  parameters: needs === "x" ? [] : ["weight"],
  run: ({ x, weight }) => rmsnorm(x!, weight!, 1e-6, offset),
}));
