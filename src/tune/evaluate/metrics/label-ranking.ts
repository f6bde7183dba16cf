import { type Metric, NO_ROWS } from "../metric.ts";
import type { ScoreTable } from "../score-table.ts";

/**
 * Label ranking average precision, scikit-learn's `label_ranking_average_precision_score`: over rows, the mean over each
 * row's true labels of the share of true labels among those that score at least as high. Rows of which no label is true, or
 * all, count 1.
 */
export const labelRanking: Metric = {
  name: "label_ranking_average_precision",
  title: "label ranking average precision",
  only: "several labels a row",
  ofScores(scores) {
    if (scores.rows === 0) return NO_ROWS;
    let sum = 0;
    for (let row = 0; row < scores.rows; row++) sum += ofRow(scores, row);
    return sum / scores.rows;
  },
};

function ofRow(scores: ScoreTable, row: number): number {
  const all = Array.from({ length: scores.labels }, (_, c) => c);
  const truth = all.filter((c) => scores.isTrue(row, c));
  if (truth.length === 0 || truth.length === all.length) return 1;
  const reaching = (among: readonly number[], score: number): number =>
    among.reduce((count, c) => count + (scores.score(row, c) >= score ? 1 : 0), 0);
  const shares = truth.map((c) => reaching(truth, scores.score(row, c)) / reaching(all, scores.score(row, c)));
  return shares.reduce((sum, share) => sum + share, 0) / truth.length;
}
