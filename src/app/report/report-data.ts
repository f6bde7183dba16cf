import type { Taken } from "../../base/events.ts";
import type { PreparationStep } from "../../tune/data/prepare/preparation.ts";
import type { Lengths } from "../../tune/data/stats/lengths.ts";
import type { Evaluation } from "../../tune/evaluate/classification-report.ts";
import type { Comparison } from "../../tune/evaluate/compare/comparison.ts";
import type { Mistake } from "../../tune/evaluate/mistakes.ts";
import type { RunHistory } from "./run-history.ts";
import type { WrittenEvaluation } from "./written-section.ts";

/** A row of a two-column list; the value is shown as it is. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** Everything the report shows; plain JSON. */
export interface ReportData {
  /** What was learnt, e.g. `AG News quickstart`. */
  readonly title: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly model: {
    readonly name: string;
    readonly family: string;
    readonly parameters: number;
    readonly trainedParameters: number;
  };
  readonly method: {
    /** `full`, `lora` or `qlora`. */
    readonly name: string;
    /** E.g. rank, alpha, learning rate, epochs, batch size. */
    readonly settings: readonly Fact[];
  };
  readonly trainingData: {
    readonly name: string;
    readonly rows: number;
    /** Rows that could not be used, and rows that were cut to fit. */
    readonly skipped: number;
    readonly cut: number;
    /** Of the encoded examples, in tokens; runs of older versions have none. */
    readonly lengths?: Lengths | undefined;
    /** Most tokens an example may have, where it is stated. */
    readonly maxLength?: number | undefined;
    /** What was done to the rows before they were encoded. */
    readonly preparation: readonly PreparationStep[];
  };
  readonly history: RunHistory;
  /** Where the model wrote answers that were compared with expected ones. */
  readonly written?: WrittenEvaluation;
  /** Absent when the run does not end in a classifier. */
  readonly evaluation?: {
    /** The set that was scored. */
    readonly name: string;
    /** The model before training, on the same rows with the same labels in the same order. */
    readonly base?: Evaluation;
    readonly tuned: Evaluation;
    readonly mistakes: readonly Mistake[];
  };
  /** The run among others, or beside its base, on the same rows. */
  readonly comparison?: Comparison | undefined;
  readonly cost: {
    readonly device: string;
    readonly seconds: number;
    /** Parts of `seconds`, in their order. */
    readonly phases: readonly { readonly name: string; readonly seconds: number }[];
    readonly peakMemoryBytes: number;
    readonly outputBytes: number;
    /** Of the device, foreseen and measured. */
    readonly predicted?: Taken | undefined;
    readonly measured?: Taken | undefined;
  };
  /** The command that scores the run, for one that was not. */
  readonly evaluateCommand: string;
  readonly reproduce: {
    readonly command: string;
    readonly seed: number;
    /** Of Fettle, Node.js, the operating system, the compiler, the processor. */
    readonly versions: readonly Fact[];
    /** Of the trained weights. */
    readonly sha256: string;
    /** The resolved recipe as YAML. */
    readonly recipe: string;
  };
}
