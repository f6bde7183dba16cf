import { classScores } from "../class-scores.ts";
import { type Metric, NO_ROWS } from "../metric.ts";

/**
 * Precision, recall and F1 of the positive one of two labels: scikit-learn's `average="binary"`. Where a denominator is
 * zero the score is 0 (`zero_division`).
 */
export const positiveScores: readonly Metric[] = (["f1", "precision", "recall"] as const).map(
  (score): Metric => ({
    name: score,
    title: score === "f1" ? "F1" : score,
    main: true,
    only: "two labels",
    ofMatrix: (matrix, positive) => (matrix.total === 0 ? NO_ROWS : classScores(matrix, positive!)[score]),
  }),
);
