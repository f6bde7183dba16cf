/** What comes of comparing subjects on the same rows; plain JSON. */
import type { ToolComparison } from "./alerts/alert-comparison.ts";
import type { MetricName } from "./answer-table.ts";
import type { Estimate } from "./estimate.ts";
import type { PairTest } from "./mcnemar.ts";

export interface Comparison {
  readonly kind: "label" | "labels" | "score";
  readonly rows: number;
  /** Rows that belong together were drawn and tested together. */
  readonly groups: { readonly by: string; readonly count: number } | null;
  readonly metrics: readonly MetricName[];
  readonly subjects: readonly {
    readonly name: string;
    readonly metrics: Readonly<Partial<Record<MetricName, Estimate>>>;
  }[];
  /** Each subject with each that stands after it. */
  readonly pairs: readonly PairComparison[];
  readonly resamples: number;
  readonly seed: number;
  /** Where tools are among the subjects: what they say of each label. */
  readonly beside?: ToolComparison | undefined;
}

export interface PairComparison {
  readonly a: string;
  readonly b: string;
  /** B minus A. */
  readonly differences: Readonly<Partial<Record<MetricName, Estimate>>>;
  /** Rows that only A has right (or scores higher), only B, and rows on which both earn the same. */
  readonly onlyA: number;
  readonly onlyB: number;
  readonly alike: number;
  /** Rows with two answers, right or wrong. */
  readonly disagreements: number;
  readonly test: PairTest["test"];
  readonly pValue: number;
  /** Holm's, over all pairs. */
  readonly adjusted: number;
  /** The smallest difference of the first metric that would be seen in 80 of 100 such sets; null: none would. */
  readonly detectable: number | null;
  readonly verdict: Verdict;
  readonly slices: readonly SliceComparison[];
}

/** `a` or `b` is better, and it is no accident at the 5 % level; or the rows do not say. */
export type Verdict = "a" | "b" | "undecided";

/** A part of the rows. */
export interface SliceComparison {
  /** What the rows are sliced by: `label`, `length`, or a field. */
  readonly by: string;
  readonly value: string;
  readonly rows: number;
  /** Of the first metric. */
  readonly scoreA: number;
  readonly scoreB: number;
  readonly difference: Estimate;
  readonly pValue: number;
  /** Holm's, over all slices of the pair. */
  readonly adjusted: number;
  readonly verdict: Verdict;
  /** Too few rows to say much. */
  readonly small: boolean;
}
