import type { RunInfo } from "../../tune/train/run-folder.ts";

/** How good a run is on one set. */
export interface ScoredSet {
  readonly rows: number;
  /** By the names of `evaluation.metric_for_best_model` and `fettle eval`; null where one is not defined. */
  readonly metrics: Readonly<Record<string, number | null>>;
}

/** A run that is over, as its folder keeps it. */
export interface SweptResult {
  readonly steps: number;
  /** Of training. */
  readonly seconds: number;
  /** Of the device. */
  readonly peakBytes: number | null;
  readonly trainableParameters: number;
  readonly weightsSha256: string;
  /** Null without such a set. */
  readonly validation: ScoredSet | null;
  readonly test: ScoredSet | null;
}

export interface SweptRun {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  /** Axis -> value. */
  readonly labels: Readonly<Record<string, string>>;
  readonly status: RunInfo["status"] | "not started";
  /** Why it failed. */
  readonly error: string | null;
  /** Null unless it is over. */
  readonly result: SweptResult | null;
}

/** `sweep.json` */
export interface SweepResult {
  readonly version: 1;
  readonly recipe: string;
  readonly output: string;
  readonly axes: readonly { readonly name: string; readonly values: readonly string[] }[];
  /** What the best is chosen by, on validation rows; null where there are none. */
  readonly metric: string | null;
  /** Name of the best run, by validation; null where none is over. */
  readonly best: string | null;
  readonly interrupted: boolean;
  readonly runs: readonly SweptRun[];
}
