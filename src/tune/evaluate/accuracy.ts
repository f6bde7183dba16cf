import type { ConfusionMatrix } from "./confusion-matrix.ts";

/** Share of rows answered with their true class; 0 when there are no rows. */
export function accuracy(matrix: ConfusionMatrix): number {
  let right = 0;
  for (let c = 0; c < matrix.classes; c++) right += matrix.truePositives(c);
  return matrix.total === 0 ? 0 : right / matrix.total;
}
