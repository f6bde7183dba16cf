import { thresholdCounts } from "./threshold-counts.ts";

/** Points from (0, 0) to (1, 1), the strictest threshold first. */
export interface RocCurve {
  /** [points] share of the other rows that score at least the threshold */
  readonly falsePositiveRate: Float64Array;
  /** [points] share of the class's rows that score at least the threshold */
  readonly truePositiveRate: Float64Array;
  /** [points] the first is infinite: nothing is given the class */
  readonly thresholds: Float64Array;
}

export interface RocCurveOptions {
  /** Leave out points on a straight line between others; default true, as in scikit-learn. */
  readonly dropIntermediate?: boolean;
}

/**
 * Receiver operating characteristic, scikit-learn's `roc_curve`. Null where it is not defined: without rows, and where all
 * rows are of one class, one of whose rates has no denominator.
 * @param targets [rows] whether a row is of the class: 1 or true, 0 or false
 * @param scores [rows] any finite numbers, higher for the class
 * @throws UserError for a score that is not finite, and for lists of different lengths
 */
export function rocCurve(
  targets: ArrayLike<number | boolean>,
  scores: ArrayLike<number>,
  { dropIntermediate = true }: RocCurveOptions = {},
): RocCurve | null {
  const { thresholds, truePositives, falsePositives, positives, negatives } = thresholdCounts(targets, scores);
  if (positives === 0 || negatives === 0) return null;
  const kept: number[] = [];
  for (let i = 0; i < thresholds.length; i++) {
    if (!dropIntermediate || turns(truePositives, i) || turns(falsePositives, i)) kept.push(i);
  }
  return {
    falsePositiveRate: Float64Array.from([0, ...kept.map((i) => falsePositives[i]! / negatives)]),
    truePositiveRate: Float64Array.from([0, ...kept.map((i) => truePositives[i]! / positives)]),
    thresholds: Float64Array.from([Infinity, ...kept.map((i) => thresholds[i]!)]),
  };
}

/** Whether the steps before and after a point differ, or it is an end. */
function turns(counts: Float64Array, i: number): boolean {
  if (i === 0 || i === counts.length - 1) return true;
  return counts[i + 1]! - counts[i]! !== counts[i]! - counts[i - 1]!;
}
