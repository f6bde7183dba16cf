import { type Metric, NO_ROWS } from "../metric.ts";

/**
 * Brier score, scikit-learn's `brier_score_loss`: of two labels the mean of (p - 1)² or p² of the positive one, from 0 to 1;
 * of more Brier's own form (1950), Σ_k (p_k - y_k)² a row, from 0 to 2. With several labels a row, the mean of each label's.
 */
export const brier: Metric = {
  name: "brier",
  title: "Brier score",
  unit: "plain",
  lowerIsBetter: true,
  main: true,
  ofScores(scores) {
    if (scores.rows === 0) return NO_ROWS;
    let sum = 0;
    for (let row = 0; row < scores.rows; row++) {
      for (let c = 0; c < scores.labels; c++) sum += (scores.score(row, c) - (scores.isTrue(row, c) ? 1 : 0)) ** 2;
    }
    const share = scores.multiLabel ? scores.labels : scores.labels === 2 ? 2 : 1;
    return sum / scores.rows / share;
  },
};
