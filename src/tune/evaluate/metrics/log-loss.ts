import { LogLoss } from "../log-loss.ts";
import { type Metric, NO_ROWS } from "../metric.ts";

/**
 * Nats a row, scikit-learn's `log_loss`; with several labels a row the mean binary cross-entropy over rows and labels.
 */
export const logLoss: Metric = {
  name: "log_loss",
  title: "log loss",
  unit: "plain",
  lowerIsBetter: true,
  main: true,
  ofScores(scores) {
    if (scores.rows === 0) return NO_ROWS;
    const loss = new LogLoss();
    for (let row = 0; row < scores.rows; row++) {
      if (!scores.multiLabel) loss.add(scores.score(row, scores.target(row)));
      else {
        for (let c = 0; c < scores.labels; c++) {
          loss.add(scores.isTrue(row, c) ? scores.score(row, c) : 1 - scores.score(row, c));
        }
      }
    }
    return loss.value();
  },
};
