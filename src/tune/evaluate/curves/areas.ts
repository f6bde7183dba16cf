import type { ThresholdCounts } from "./threshold-counts.ts";

/**
 * Area under the ROC curve: the chance that a row of the class scores higher than another one, ties counting half.
 * Undefined where all rows are of one class.
 */
export function rocArea({ truePositives, falsePositives, positives, negatives }: ThresholdCounts): number | undefined {
  if (positives === 0 || negatives === 0) return undefined;
  let area = 0;
  let [t, f] = [0, 0];
  for (let i = 0; i < truePositives.length; i++) {
    area += ((falsePositives[i]! - f) * (truePositives[i]! + t)) / 2;
    t = truePositives[i]!;
    f = falsePositives[i]!;
  }
  return area / positives / negatives;
}

/**
 * Average precision Σ (R_i - R_{i-1}) P_i over falling thresholds: the area under the precision-recall curve as steps, since
 * straight lines between its points would promise precision that no threshold gives (Davis and Goadrich 2006). 0, as in
 * scikit-learn, where no row is of the class.
 */
export function stepArea({ truePositives, falsePositives, positives }: ThresholdCounts): number {
  let sum = 0;
  let before = 0;
  for (let i = 0; i < truePositives.length; i++) {
    sum += ((truePositives[i]! - before) * truePositives[i]!) / (truePositives[i]! + falsePositives[i]!);
    before = truePositives[i]!;
  }
  return positives === 0 ? 0 : sum / positives;
}
