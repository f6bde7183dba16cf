import { type CalibrationCurve, calibrationCurve } from "../curves/calibration-curve.ts";
import { type Metric, NO_ROWS } from "../metric.ts";
import type { ScoreTable } from "../score-table.ts";

/** Guo et al. 2017. */
const BINS = 15;

/**
 * How often the most probable label is right against its probability; with several labels a row, how often a label is there
 * against its probability, rows and labels together.
 */
export function reliabilityCurve(scores: ScoreTable, strategy: "uniform" | "quantile"): CalibrationCurve {
  const { right, sureness } = scores.multiLabel ? everyLabel(scores) : mostProbable(scores);
  return calibrationCurve(right, sureness, { bins: BINS, strategy });
}

/**
 * Expected calibration error Σ n_b/n |right_b - sure_b| over bins of the probability. `ece` has 15 bins of equal width
 * (Guo et al. 2017, "On calibration of modern neural networks", equation 3), `ece_equal_mass` 15 bins with as many rows each
 * (Nguyen and O'Connor 2015), which wide and nearly empty bins do not sway.
 */
export const calibrationErrors: readonly Metric[] = [
  {
    name: "ece",
    title: "calibration error (ECE)",
    lowerIsBetter: true,
    main: true,
    ofScores: (scores) => (scores.rows === 0 ? NO_ROWS : errorOf(reliabilityCurve(scores, "uniform"))),
  },
  {
    name: "ece_equal_mass",
    title: "calibration error, equal mass",
    lowerIsBetter: true,
    ofScores: (scores) => (scores.rows === 0 ? NO_ROWS : errorOf(reliabilityCurve(scores, "quantile"))),
  },
];

function errorOf({ counts, fractionOfPositives, meanPredicted }: CalibrationCurve): number {
  const rows = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce(
    (sum, count, b) => sum + (count / rows) * Math.abs(fractionOfPositives[b]! - meanPredicted[b]!),
    0,
  );
}

interface Forecasts {
  readonly right: Uint8Array;
  readonly sureness: Float64Array;
}

function mostProbable(scores: ScoreTable): Forecasts {
  const right = new Uint8Array(scores.rows);
  const sureness = new Float64Array(scores.rows);
  for (let row = 0; row < scores.rows; row++) {
    const best = scores.best(row);
    right[row] = scores.isTrue(row, best) ? 1 : 0;
    sureness[row] = atMostOne(scores.score(row, best));
  }
  return { right, sureness };
}

function everyLabel(scores: ScoreTable): Forecasts {
  const right = new Uint8Array(scores.rows * scores.labels);
  const sureness = new Float64Array(right.length);
  for (let i = 0; i < right.length; i++) {
    const [row, label] = [Math.floor(i / scores.labels), i % scores.labels];
    right[i] = scores.isTrue(row, label) ? 1 : 0;
    sureness[i] = atMostOne(scores.score(row, label));
  }
  return { right, sureness };
}

/** A sum of rounded shares may be a rounding above one. */
function atMostOne(probability: number): number {
  return Math.min(1, probability);
}
