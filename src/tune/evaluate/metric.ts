import type { ConfusionMatrix } from "./confusion-matrix.ts";
import type { ScoreTable } from "./score-table.ts";
import type { SetCounts } from "./set-counts.ts";

/** A number, or the reason why there is none. */
export type Measured = number | { readonly undefined: string };

/**
 * One number that says how good a classifier is. It is computed from the least that it needs; without the property for a
 * kind of rows there is no such metric of them.
 */
export interface Metric {
  /** As in `evaluation.metric_for_best_model`, `metrics.jsonl` and `evaluation.json`. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly lowerIsBetter?: true;
  /** Shown as it is; by default as a share, in percent. */
  readonly unit?: "plain";
  /** What rows it is of; by default any. */
  readonly only?: "two labels" | "several labels a row";
  /** Whether people see it without asking for all: the few that decide. */
  readonly main?: true;
  /** Rows with one label each, from their counts. These get bootstrap intervals. @param positive of two labels */
  readonly ofMatrix?: (matrix: ConfusionMatrix, positive: number | undefined) => Measured;
  /** Rows with several labels each, from true and given labels. These get bootstrap intervals. */
  readonly ofSets?: (counts: SetCounts) => Measured;
  /** From what each row's labels were given. @param positive of two labels, where rows have one each */
  readonly ofScores?: (scores: ScoreTable, positive: number | undefined) => Measured;
}

/** What is known of a metric; plain JSON. */
export interface MetricValue {
  /** Null where it is not defined. */
  readonly value: number | null;
  /** Why there is no value. */
  readonly undefined?: string;
  /** 95 % bootstrap interval, where one is computed. */
  readonly interval?: readonly [low: number, high: number];
}

export const NO_ROWS: Measured = { undefined: "no rows" };
