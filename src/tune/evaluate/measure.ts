import type { Interval } from "./bootstrap.ts";
import type { ConfusionMatrix } from "./confusion-matrix.ts";
import type { Measured, Metric, MetricValue } from "./metric.ts";
import { metrics } from "./metrics.ts";
import type { ScoreTable } from "./score-table.ts";
import type { SetCounts } from "./set-counts.ts";

/** What rows amount to. */
export interface CountedRows {
  /** With one label a row. */
  readonly matrix?: ConfusionMatrix | undefined;
  /** With several. */
  readonly sets?: SetCounts | undefined;
  readonly scores: ScoreTable;
  /** Of two labels, the one that scores are about. */
  readonly positive: number | undefined;
}

/** Whether there is such a metric of rows of this kind. */
export function isOf(metric: Metric, kind: { readonly labels: number; readonly multiLabel: boolean }): boolean {
  if (metric.only === "two labels" && (kind.multiLabel || kind.labels !== 2)) return false;
  if (metric.only === "several labels a row" && !kind.multiLabel) return false;
  return metric.ofScores !== undefined || (kind.multiLabel ? metric.ofSets : metric.ofMatrix) !== undefined;
}

/** Every metric that there is of such rows, by its name. */
export function measureAll(
  rows: CountedRows,
  intervals: Readonly<Record<string, Interval | undefined>> = {},
): Record<string, MetricValue> {
  const values: Record<string, MetricValue> = {};
  for (const metric of metrics) {
    if (!isOf(metric, rows.scores)) continue;
    const measured = measure(metric, rows);
    const interval = intervals[metric.name];
    values[metric.name] =
      typeof measured === "number"
        ? { value: measured, ...(interval && { interval }) }
        : { value: null, undefined: measured.undefined };
  }
  return values;
}

function measure(metric: Metric, { matrix, sets, scores, positive }: CountedRows): Measured {
  if (matrix !== undefined && metric.ofMatrix !== undefined) return metric.ofMatrix(matrix, positive);
  if (sets !== undefined && metric.ofSets !== undefined) return metric.ofSets(sets);
  if (scores.full) return { undefined: "more scores than are kept: give fewer rows" };
  return metric.ofScores!(scores, positive);
}
