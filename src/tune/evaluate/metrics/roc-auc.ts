import { labelAreas } from "../label-areas.ts";
import { type Measured, type Metric, NO_ROWS } from "../metric.ts";
import type { ScoreTable } from "../score-table.ts";

/**
 * scikit-learn's `roc_auc_score`. Of two labels that of the positive one; of more the mean over labels, each against the
 * rest (`multi_class="ovr"`), plain or weighted by rows. As there it is not defined where a label is that of all rows, and
 * the plain mean neither where a label is that of none.
 */
export const rocAucs: readonly Metric[] = [
  {
    name: "roc_auc",
    title: "ROC AUC",
    main: true,
    ofScores: (scores, positive) => (positive === undefined ? mean(scores, () => 1) : ofOne(scores, positive)),
  },
  {
    name: "weighted_roc_auc",
    title: "weighted ROC AUC",
    ofScores: (scores, positive) => (positive === undefined ? mean(scores, (rows) => rows) : ofOne(scores, positive)),
  },
];

function ofOne(scores: ScoreTable, label: number): Measured {
  if (scores.rows === 0) return NO_ROWS;
  return labelAreas(scores)[label]!.rocAuc ?? { undefined: "only one class" };
}

/** @param weightOf of a label, by its rows */
function mean(scores: ScoreTable, weightOf: (rows: number) => number): Measured {
  if (scores.rows === 0) return NO_ROWS;
  let sum = 0;
  let weights = 0;
  for (const { rows, rocAuc } of labelAreas(scores)) {
    const weight = weightOf(rows);
    if (weight === 0) continue;
    if (rocAuc === undefined) return { undefined: "a label is that of no row, or of all" };
    sum += weight * rocAuc;
    weights += weight;
  }
  return weights === 0 ? 0 : sum / weights;
}
