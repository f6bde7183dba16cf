import type { Dataset } from "../../tune/data/dataset.ts";
import type { Prediction } from "../../tune/score/prediction.ts";

/** What a model says to a row: a line of `fettle predict` and of `fettle eval --predictions`. */
export interface AnsweredRow {
  /** Its place among the rows that could be read, from 1. */
  readonly row: number;
  /** `file:line` */
  readonly where: string;
  /** The label given; with several labels a row the most probable one. */
  readonly label: string;
  /** With several labels a row: those whose probability reaches their threshold. */
  readonly labels?: readonly string[];
  /** Of the label, given that the answer is one of the labels. */
  readonly probability: number;
  /** Of every label; with one label a row they sum to one. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** Probability that the model gives to everything that is no label. */
  readonly outside: number;
}

/** The same of a row whose label is known. */
export interface JudgedRow extends AnsweredRow {
  /** The true label. */
  readonly target?: string;
  /** With several labels a row: the true ones. */
  readonly targets?: readonly string[];
  /** The beginning of what was asked about. */
  readonly text: string;
}

/** Characters of a row's text that are kept. */
const TEXT = 200;

/** @param names of the labels, in the order of the prediction's probabilities */
export function answeredRow(
  { row, predicted, probabilities, outside, chosen }: Prediction,
  dataset: Dataset,
  names: readonly string[],
): AnsweredRow {
  return {
    row: row.index + 1,
    where: dataset.where(row.index * dataset.together),
    label: names[predicted]!,
    ...(chosen && { labels: chosen.map((c) => names[c]!) }),
    probability: probabilities[predicted]!,
    probabilities: Object.fromEntries(names.map((name, i) => [name, probabilities[i]!])),
    outside,
  };
}

/** Undefined where the row's labels are not known. */
export function judgedRow(prediction: Prediction, dataset: Dataset, names: readonly string[]): JudgedRow | undefined {
  const { target, targets, text } = prediction.row;
  const several = prediction.chosen !== undefined;
  if ((several ? targets : target) === undefined) return undefined;
  return {
    ...answeredRow(prediction, dataset, names),
    ...(several ? { targets: targets!.map((c) => names[c]!) } : { target: names[target!]! }),
    text: text.slice(0, TEXT),
  };
}
