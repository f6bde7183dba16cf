import { type ThresholdCounts, thresholdCounts } from "../curves/threshold-counts.ts";
import { type Measured, type Metric, NO_ROWS } from "../metric.ts";
import type { ScoreTable } from "../score-table.ts";

/**
 * Area under the ROC curve: the chance that a row of the class scores higher than another one, ties counting half.
 * Undefined where all rows are of one class.
 */
export function rocAucOf({ truePositives, falsePositives, positives, negatives }: ThresholdCounts): number | undefined {
  if (positives === 0 || negatives === 0) return undefined;
  let area = 0;
  let [t, f] = [0, 0];
  for (let i = 0; i < truePositives.length; i++) {
    area += ((falsePositives[i]! - f) * (truePositives[i]! + t)) / 2;
    [t, f] = [truePositives[i]!, falsePositives[i]!];
  }
  return area / positives / negatives;
}

/** One label against the rest. */
export function labelRocAuc(scores: ScoreTable, label: number): number | undefined {
  return rocAucOf(thresholdCounts(scores.truth(label), scores.column(label)));
}

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
    ofScores: (scores, positive) =>
      positive === undefined
        ? mean(scores, (label) => scores.truth(label).reduce((sum, one) => sum + one, 0))
        : ofOne(scores, positive),
  },
];

function ofOne(scores: ScoreTable, label: number): Measured {
  if (scores.rows === 0) return NO_ROWS;
  return labelRocAuc(scores, label) ?? { undefined: "only one class" };
}

function mean(scores: ScoreTable, weightOf: (label: number) => number): Measured {
  if (scores.rows === 0) return NO_ROWS;
  let sum = 0;
  let weights = 0;
  for (let label = 0; label < scores.labels; label++) {
    const weight = weightOf(label);
    if (weight === 0) continue;
    const auc = labelRocAuc(scores, label);
    if (auc === undefined) return { undefined: "a label is that of no row, or of all" };
    sum += weight * auc;
    weights += weight;
  }
  return weights === 0 ? 0 : sum / weights;
}
