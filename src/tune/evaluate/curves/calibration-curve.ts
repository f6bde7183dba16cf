import { UserError } from "../../../base/errors.ts";
import { quantile } from "../quantile.ts";
import { refuseScores } from "./refuse-scores.ts";

export interface CalibrationCurveOptions {
  /** Default 10. */
  readonly bins?: number;
  /** Bins of equal width (default), or with about as many rows each. */
  readonly strategy?: "uniform" | "quantile";
}

/** One entry for each bin that has rows, from the lowest probability up. */
export interface CalibrationCurve {
  /** [bins] mean of the probabilities in it; scikit-learn's `prob_pred` */
  readonly meanPredicted: Float64Array;
  /** [bins] share of its rows that are of the class; scikit-learn's `prob_true` */
  readonly fractionOfPositives: Float64Array;
  /** [bins] rows in it */
  readonly counts: Float64Array;
}

/**
 * Reliability curve: how often a probability comes true, scikit-learn's `calibration_curve`. A bin holds probabilities above
 * its lower edge up to its upper one, the first those at 0 as well. Without rows there are no bins.
 * @param targets [rows] whether it came true: 1 or true, 0 or false
 * @param probabilities [rows] from 0 to 1
 * @throws UserError for a probability outside 0 to 1, and for lists of different lengths
 */
export function calibrationCurve(
  targets: ArrayLike<number | boolean>,
  probabilities: ArrayLike<number>,
  { bins = 10, strategy = "uniform" }: CalibrationCurveOptions = {},
): CalibrationCurve {
  refuseScores(targets, probabilities);
  refuseImpossible(probabilities);
  const edges = strategy === "uniform" ? equalWidths(bins) : equalMasses(bins, probabilities);
  const sums = new Float64Array(bins);
  const hits = new Float64Array(bins);
  const counts = new Float64Array(bins);
  for (let row = 0; row < probabilities.length; row++) {
    const bin = binOf(edges, probabilities[row]!);
    sums[bin]! += probabilities[row]!;
    hits[bin]! += targets[row] ? 1 : 0;
    counts[bin]!++;
  }
  const filled = [...counts.keys()].filter((bin) => counts[bin]! > 0);
  return {
    meanPredicted: Float64Array.from(filled, (bin) => sums[bin]! / counts[bin]!),
    fractionOfPositives: Float64Array.from(filled, (bin) => hits[bin]! / counts[bin]!),
    counts: Float64Array.from(filled, (bin) => counts[bin]!),
  };
}

/** [bins - 1] edges between the bins; NumPy's `linspace(0, 1, bins + 1)` without its ends. */
function equalWidths(bins: number): Float64Array {
  return Float64Array.from({ length: bins - 1 }, (_, i) => (i + 1) * (1 / bins));
}

/** [bins - 1] quantiles of the probabilities, at positions with the roundings of NumPy's `percentile(linspace(0, 1) * 100)`. */
function equalMasses(bins: number, probabilities: ArrayLike<number>): Float64Array {
  if (probabilities.length === 0) return equalWidths(bins);
  const ascending = Float64Array.from(probabilities).sort();
  return Float64Array.from({ length: bins - 1 }, (_, i) => quantile(ascending, ((i + 1) * (1 / bins) * 100) / 100));
}

/** How many edges are below `value`. */
function binOf(edges: Float64Array, value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function refuseImpossible(probabilities: ArrayLike<number>): void {
  for (let row = 0; row < probabilities.length; row++) {
    if (probabilities[row]! >= 0 && probabilities[row]! <= 1) continue;
    throw new UserError({
      code: "evaluate/not-a-probability",
      message: `${probabilities[row]}, of row ${row + 1}, is no probability`,
      fix: "give numbers from 0 to 1",
    });
  }
}
