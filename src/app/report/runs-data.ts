import type { Comparison } from "../../tune/evaluate/compare/comparison.ts";
import type { ReportData } from "./report-data.ts";

/** Several runs on one page; plain JSON. */
export interface RunsData {
  readonly title: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** Named by their titles. */
  readonly runs: readonly ReportData[];
  /** Options of the recipes that are not the same in all runs, with each run's value. */
  readonly differences: readonly OptionDifference[];
  /** Of the runs, perhaps with others, on the same rows. */
  readonly comparison?: Comparison | undefined;
  /** The commands that make the comparison, for a page without one. */
  readonly compareCommands: readonly string[];
}

export interface OptionDifference {
  /** `training.learning_rate` */
  readonly option: string;
  /** [runs] */
  readonly values: readonly string[];
}
