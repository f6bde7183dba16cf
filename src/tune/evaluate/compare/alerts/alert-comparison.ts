/** What comes of setting models beside scanners on the same rows; plain JSON. */
import type { Estimate } from "../estimate.ts";
import type { PairTest } from "../mcnemar.ts";
import type { DecidedRow } from "./decided-row.ts";

/** Models beside tools, with what is to be known of the tools. */
export interface ToolComparison extends AlertComparison {
  readonly tools: readonly ToolFacts[];
  /** [labels] rows that only a model, or only tools, have right. */
  readonly counts: readonly DecidedCount[];
  /** These rows, or some of them. */
  readonly decided: readonly DecidedRow[];
}

export interface DecidedCount {
  readonly label: string;
  readonly onlyModel: number;
  readonly onlyTools: number;
}

export interface ToolFacts {
  readonly name: string;
  readonly version: string;
  /** Rows that it could not read: there it found nothing. */
  readonly unread: number;
  /** Rules that the taxonomy does not know. */
  readonly unknownRules: number;
  /** It took for all rows, validation rows among them; null where they were answered before. */
  readonly seconds: number | null;
}

export interface AlertComparison {
  readonly labels: readonly string[];
  /** [labels] rows that have it. */
  readonly support: readonly number[];
  /** Models, then tools. */
  readonly subjects: readonly SubjectFigures[];
  /** Unions, intersections and majorities of them. */
  readonly together: readonly { readonly name: string; readonly overall: OverallFigures }[];
  /** Each model with each tool. */
  readonly pairs: readonly AlertPair[];
}

/** Over (row, label) pairs, each right or wrong. */
export interface AlertFigures {
  /** How many were raised. */
  readonly alerts: number;
  /** Of alerts and silences alike, the share that is right. */
  readonly accuracy: Estimate;
  /** Null without an alert. */
  readonly precision: Estimate;
  /** Null where no row has the label. */
  readonly recall: Estimate;
  /** Of several labels micro F1. */
  readonly f1: Estimate;
}

export interface OverallFigures extends AlertFigures {
  /** Mean over the labels; one without alert and without row counts 0. */
  readonly macroF1: Estimate;
}

export interface SubjectFigures {
  readonly name: string;
  readonly kind: "model" | "tool";
  /** Of a tool: the labels it has rules for. */
  readonly covers: readonly string[] | null;
  readonly overall: OverallFigures;
  /** On the labels that it covers; null where these are all, or none. */
  readonly covered: OverallFigures | null;
  /** [labels] */
  readonly perClass: readonly AlertFigures[];
}

export interface AlertPair {
  readonly model: string;
  readonly tool: string;
  readonly overall: PairDifference;
  /** On the labels that the tool covers; null where these are all, or none. */
  readonly covered: PairDifference | null;
  /** Of the labels that the tool covers. */
  readonly perClass: readonly ClassDifference[];
  /** With the model's thresholds moved until its precision is the tool's; null without probabilities. */
  readonly atPrecision: MatchedPair | null;
  /** With the model's thresholds moved until it raises as many alerts as the tool; null without probabilities. */
  readonly atAlerts: MatchedPair | null;
}

/** A test of accuracy, corrected by Holm's method over all tests of the comparison. */
export interface TestedDifference {
  readonly test: PairTest["test"];
  readonly pValue: number;
  readonly adjusted: number;
  /** Who is right more often, and it is no accident at the 5 % level. */
  readonly verdict: "model" | "tool" | "undecided";
}

export type AlertMeasure = "accuracy" | "precision" | "recall" | "f1" | "macroF1";

export interface PairDifference extends TestedDifference {
  readonly model: OverallFigures;
  /** Model minus tool. */
  readonly differences: Readonly<Record<AlertMeasure, Estimate>>;
}

export interface ClassDifference extends TestedDifference {
  readonly label: string;
  /** Accuracy of the model minus the tool's. */
  readonly difference: Estimate;
  /** Rows that only one of them has right. */
  readonly onlyModel: number;
  readonly onlyTool: number;
}

export interface MatchedPair {
  /** What thresholds were chosen on: the judged rows with what is true of them, validation rows, or alerts alone. */
  readonly chosenOn: "judged rows" | "validation rows" | "alerts";
  /** All labels' thresholds moved together, by the same log-odds. */
  readonly overall: Matched;
  /** The same on the labels that the tool covers; null where these are all, or none. */
  readonly covered: Matched | null;
  /** Of the labels that the tool covers, each label's threshold by itself. */
  readonly perClass: readonly (Matched & { readonly label: string })[];
}

export interface Matched {
  /** From which probability on the label is given; of several labels by how much their log-odds were moved. */
  readonly threshold: number | null;
  readonly tool: AlertFigures;
  /** Null where no threshold does it. */
  readonly model: AlertFigures | null;
  /** Model minus tool. */
  readonly precision: Estimate;
  readonly recall: Estimate;
}
