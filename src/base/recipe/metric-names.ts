/** What a run can be judged by while it trains: `loss`, and metrics of `src/tune/evaluate/metrics.ts` by their names. */
export const metricsForBestModel = [
  "loss",
  "accuracy",
  "balanced_accuracy",
  "f1",
  "macro_f1",
  "micro_f1",
  "weighted_f1",
  "samples_f1",
  "mcc",
  "hamming_loss",
  "roc_auc",
  "average_precision",
  "label_ranking_average_precision",
  "log_loss",
  "brier",
  "ece",
] as const;

export type MetricForBestModel = (typeof metricsForBestModel)[number];
