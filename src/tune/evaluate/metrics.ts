import type { Metric } from "./metric.ts";
import { accuracy } from "./metrics/accuracy.ts";
import { averagePrecision } from "./metrics/average-precision.ts";
import { averagedScores } from "./metrics/averaged-scores.ts";
import { balancedAccuracy } from "./metrics/balanced-accuracy.ts";
import { brier } from "./metrics/brier.ts";
import { calibrationErrors } from "./metrics/calibration-error.ts";
import { hammingLoss } from "./metrics/hamming-loss.ts";
import { labelRanking } from "./metrics/label-ranking.ts";
import { logLoss } from "./metrics/log-loss.ts";
import { mcc } from "./metrics/mcc.ts";
import { positiveScores } from "./metrics/positive-scores.ts";
import { rocAucs } from "./metrics/roc-auc.ts";

/** Every metric of a classifier, in the order in which they are shown: the answer first. */
export const metrics: readonly Metric[] = [
  accuracy,
  balancedAccuracy,
  ...positiveScores,
  ...averagedScores,
  mcc,
  hammingLoss,
  ...rocAucs,
  averagePrecision,
  labelRanking,
  logLoss,
  brier,
  ...calibrationErrors,
];

/** @throws Error when there is none */
export function metricNamed(name: string): Metric {
  const metric = metrics.find((candidate) => candidate.name === name);
  if (metric === undefined) throw new Error(`there is no metric "${name}"`);
  return metric;
}
