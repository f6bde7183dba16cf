import { type Metric, NO_ROWS } from "../metric.ts";

/** Share of all pairs of a row and a label that are wrong, by a label too many or one missing; scikit-learn's `hamming_loss`. */
export const hammingLoss: Metric = {
  name: "hamming_loss",
  title: "Hamming loss",
  lowerIsBetter: true,
  main: true,
  ofSets({ rows, hits, given, there }) {
    if (rows === 0) return NO_ROWS;
    const wrong = hits.reduce((sum, right, c) => sum + given[c]! + there[c]! - 2 * right, 0);
    return wrong / (rows * hits.length);
  },
};
