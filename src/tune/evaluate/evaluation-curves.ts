import { precisionRecallCurve } from "./curves/precision-recall-curve.ts";
import { rocCurve } from "./curves/roc-curve.ts";
import { thinCurve } from "./curves/thin-curve.ts";
import { reliabilityCurve } from "./metrics/calibration-error.ts";
import type { ScoreTable } from "./score-table.ts";

/** Curves for drawing; plain JSON. */
export interface EvaluationCurves {
  /** Of the positive one of two labels, otherwise of each against the rest; not of labels that no row has, or every row. */
  readonly roc: readonly {
    readonly label: string;
    readonly falsePositiveRate: readonly number[];
    readonly truePositiveRate: readonly number[];
  }[];
  readonly precisionRecall: readonly {
    readonly label: string;
    readonly precision: readonly number[];
    readonly recall: readonly number[];
  }[];
  /** The bins of the calibration error that have rows. */
  readonly reliability: {
    readonly meanPredicted: readonly number[];
    readonly fractionOfPositives: readonly number[];
    readonly counts: readonly number[];
  };
}

/** Labels that have curves of their own. */
const MOST_LABELS = 12;
const POINTS = 100;

/** Curves of the first labels, thinned, their ends exact. */
export function curvesOf(
  scores: ScoreTable,
  labels: readonly string[],
  positive: number | undefined,
): EvaluationCurves | undefined {
  if (scores.rows === 0) return undefined;
  const shown = positive === undefined ? [...labels.keys()].slice(0, MOST_LABELS) : [positive];
  const columns = shown.map((c) => ({ label: labels[c]!, truth: scores.truth(c), column: scores.column(c) }));
  const { meanPredicted, fractionOfPositives, counts } = reliabilityCurve(scores, "uniform");
  return {
    roc: columns.flatMap(({ label, truth, column }) => {
      const curve = rocCurve(truth, column);
      if (curve === null) return [];
      const { falsePositiveRate: x, truePositiveRate: y } = curve;
      const kept = thinCurve(x, y, POINTS);
      return [{ label, falsePositiveRate: at(x, kept), truePositiveRate: at(y, kept) }];
    }),
    precisionRecall: columns.flatMap(({ label, truth, column }) => {
      if (!truth.includes(1)) return [];
      const { precision, recall } = precisionRecallCurve(truth, column, { dropIntermediate: true })!;
      const kept = thinCurve(recall, precision, POINTS);
      return [{ label, precision: at(precision, kept), recall: at(recall, kept) }];
    }),
    reliability: {
      meanPredicted: [...meanPredicted],
      fractionOfPositives: [...fractionOfPositives],
      counts: [...counts],
    },
  };
}

/** Six decimals are finer than any drawing. */
function at(values: Float64Array, indices: readonly number[]): number[] {
  return indices.map((i) => Math.round(values[i]! * 1e6) / 1e6);
}
