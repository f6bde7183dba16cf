import { type Metric, NO_ROWS } from "../metric.ts";

/** Mean recall over the classes that have rows; scikit-learn's `balanced_accuracy_score`. */
export const balancedAccuracy: Metric = {
  name: "balanced_accuracy",
  title: "balanced accuracy",
  main: true,
  ofMatrix(matrix) {
    let sum = 0;
    let classes = 0;
    for (let c = 0; c < matrix.classes; c++) {
      if (matrix.support(c) === 0) continue;
      sum += matrix.truePositives(c) / matrix.support(c);
      classes++;
    }
    return classes === 0 ? NO_ROWS : sum / classes;
  },
};
