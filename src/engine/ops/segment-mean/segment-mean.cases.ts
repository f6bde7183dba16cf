import { normal, type OpCase } from "../op-case.ts";
import { segmentMean } from "./segment-mean.ts";

const cases: readonly (readonly [width: number, counts: readonly number[]])[] = [
  [1, [1]],
  [33, [7, 1, 40]],
  [264, [130, 2]],
];

export const segmentMeanCases: readonly OpCase[] = cases.map(([width, counts]) => {
  const begins = Int32Array.from([0, ...counts], (_, i) => counts.slice(0, i).reduce((sum, count) => sum + count, 0));
  return {
    name: `segment-mean of ${counts.join(", ")} rows of ${width}`,
    inputs: { x: normal([begins.at(-1)!, width], 1) },
    activations: ["x"],
    parameters: [],
    run: ({ x }) => segmentMean(x!, begins),
  };
});
