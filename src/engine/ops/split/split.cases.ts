import { normal, type OpCase } from "../op-case.ts";
import { splitColumns } from "./split.ts";

const split = [
  { rows: 1, widths: [1, 1] },
  { rows: 7, widths: [33, 5, 5] },
  { rows: 130, widths: [64, 16, 16] },
  { rows: 601, widths: [257] },
].map(
  ({ rows, widths }): OpCase => ({
    name: `split ${rows}x${widths.join("+")}`,
    inputs: { x: normal([rows, widths.reduce((sum, width) => sum + width)], 1) },
    activations: ["x"],
    parameters: [],
    run: ({ x }) => splitColumns(x!, widths),
  }),
);

export const splitCases: readonly OpCase[] = [
  ...split,
  {
    name: "split, of which only the second is used",
    inputs: { x: normal([9, 7], 1) },
    activations: ["x"],
    parameters: [],
    run: ({ x }) => splitColumns(x!, [4, 2, 1])[1]!,
  },
];
