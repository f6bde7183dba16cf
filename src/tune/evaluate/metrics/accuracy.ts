import type { ConfusionMatrix } from "../confusion-matrix.ts";
import { type Metric, NO_ROWS } from "../metric.ts";

/** Share of rows answered with their true class; 0 when there are no rows. */
export function accuracyOf(matrix: ConfusionMatrix): number {
  let right = 0;
  for (let c = 0; c < matrix.classes; c++) right += matrix.truePositives(c);
  return matrix.total === 0 ? 0 : right / matrix.total;
}

/** scikit-learn's `accuracy_score`: with several labels a row, the share of rows whose set is right as a whole. */
export const accuracy: Metric = {
  name: "accuracy",
  title: "accuracy",
  main: true,
  ofMatrix: (matrix) => (matrix.total === 0 ? NO_ROWS : accuracyOf(matrix)),
  ofSets: ({ rows, exact }) => (rows === 0 ? NO_ROWS : exact / rows),
};
