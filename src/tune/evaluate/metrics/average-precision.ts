import { type ThresholdCounts, thresholdCounts } from "../curves/threshold-counts.ts";
import { type Metric, NO_ROWS } from "../metric.ts";
import type { ScoreTable } from "../score-table.ts";

/**
 * Average precision Σ (R_i - R_{i-1}) P_i over falling thresholds, scikit-learn's `average_precision_score`: the area under
 * the precision-recall curve as steps. Straight lines between the points would promise precision that no threshold gives
 * (Davis and Goadrich 2006). 0, as there, where no row is of the class.
 */
export function averagePrecisionOf({ truePositives, falsePositives, positives }: ThresholdCounts): number {
  let sum = 0;
  let before = 0;
  for (let i = 0; i < truePositives.length; i++) {
    sum += ((truePositives[i]! - before) * truePositives[i]!) / (truePositives[i]! + falsePositives[i]!);
    before = truePositives[i]!;
  }
  return positives === 0 ? 0 : sum / positives;
}

/** One label against the rest. */
export function labelAveragePrecision(scores: ScoreTable, label: number): number {
  return averagePrecisionOf(thresholdCounts(scores.truth(label), scores.column(label)));
}

/**
 * What is often called PR AUC. Of two labels that of the positive one; of more the mean over labels, each against the rest,
 * which with several labels a row is mAP. A label without rows counts 0, as scikit-learn has it for several labels a row.
 */
export const averagePrecision: Metric = {
  name: "average_precision",
  title: "average precision (PR AUC)",
  main: true,
  ofScores(scores, positive) {
    if (scores.rows === 0) return NO_ROWS;
    if (positive !== undefined) return labelAveragePrecision(scores, positive);
    let sum = 0;
    for (let label = 0; label < scores.labels; label++) sum += labelAveragePrecision(scores, label);
    return sum / scores.labels;
  },
};
