import { thresholdCounts } from "./threshold-counts.ts";

/** Points from the loosest threshold to the strictest. */
export interface PrecisionRecallCurve {
  /** [thresholds + 1] the last is 1, for which there is no threshold */
  readonly precision: Float64Array;
  /** [thresholds + 1] the last is 0 */
  readonly recall: Float64Array;
  /** [thresholds] ascending; a row is given the class where its score reaches the threshold */
  readonly thresholds: Float64Array;
}

export interface PrecisionRecallCurveOptions {
  /** Of the points with the same true positives keep the first and the last; default false, as in scikit-learn. */
  readonly dropIntermediate?: boolean;
}

/**
 * Precision tp/(tp+fp) and recall tp/(tp+fn) at every distinct score, scikit-learn's `precision_recall_curve`. Where no row
 * is of the class, recall is 1 at every threshold, as there. Null without rows.
 * @param targets [rows] whether a row is of the class: 1 or true, 0 or false
 * @param scores [rows] any finite numbers, higher for the class
 * @throws UserError for a score that is not finite, and for lists of different lengths
 */
export function precisionRecallCurve(
  targets: ArrayLike<number | boolean>,
  scores: ArrayLike<number>,
  { dropIntermediate = false }: PrecisionRecallCurveOptions = {},
): PrecisionRecallCurve | null {
  const { thresholds, truePositives, falsePositives, positives } = thresholdCounts(targets, scores);
  if (thresholds.length === 0) return null;
  const kept: number[] = [];
  for (let i = thresholds.length - 1; i >= 0; i--) {
    if (!dropIntermediate || changes(truePositives, i)) kept.push(i);
  }
  const precision = new Float64Array(kept.length + 1);
  const recall = new Float64Array(kept.length + 1);
  for (const [point, i] of kept.entries()) {
    precision[point] = truePositives[i]! / (truePositives[i]! + falsePositives[i]!);
    recall[point] = positives === 0 ? 1 : truePositives[i]! / positives;
  }
  precision[kept.length] = 1;
  return { precision, recall, thresholds: Float64Array.from(kept, (i) => thresholds[i]!) };
}

/** Whether a count differs from one of its neighbours, or is an end. */
function changes(counts: Float64Array, i: number): boolean {
  if (i === 0 || i === counts.length - 1) return true;
  return counts[i - 1]! !== counts[i]! || counts[i + 1]! !== counts[i]!;
}
