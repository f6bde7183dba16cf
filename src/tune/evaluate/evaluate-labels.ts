import type { EventSink } from "../../base/events.ts";
import type { Tokenizer } from "../../model/text/tokenizer.ts";
import type { LabelRow } from "../score/label-rows.ts";
import type { LabelScorer } from "../score/label-scorer.ts";
import { type LabelPrediction, predictLabels } from "../score/predict-labels.ts";
import type { BootstrapOptions } from "./bootstrap.ts";
import { type Evaluation, Evaluator } from "./classification-report.ts";
import { type Mistake, Mistakes } from "./mistakes.ts";

/** Rows between two progress events. */
const ROWS_PER_EVENT = 64;
/** Characters of a mistake's text that are kept. */
const MISTAKE_TEXT = 2000;

export interface EvaluateLabelsOptions {
  readonly labels: readonly string[];
  /** Rows to come, for progress. */
  readonly total: number;
  readonly onEvent: EventSink;
  /** How many of the surest mistakes are kept; default 0. */
  readonly mistakes?: number;
  /** Called for every row, also those whose label is not known. */
  readonly onPrediction?: (prediction: LabelPrediction) => void;
  readonly bootstrap?: BootstrapOptions;
}

export interface LabelEvaluation extends Evaluation {
  readonly mistakes: readonly Mistake[];
}

/**
 * Scores a set once and says how good the model is on it. Nothing grows with the number of rows.
 * @throws UserError when no row has a label, two labels are the same tokens, or the model gives no numbers.
 */
export async function evaluateLabels(
  scorer: LabelScorer,
  tokenizer: Tokenizer,
  rows: Iterable<LabelRow> | AsyncIterable<LabelRow>,
  options: EvaluateLabelsOptions,
): Promise<LabelEvaluation> {
  const { labels, total, onEvent, onPrediction } = options;
  const evaluator = new Evaluator(labels, options.bootstrap);
  const mistakes = new Mistakes(options.mistakes ?? 0);
  const start = performance.now();
  let done = 0;
  const report = (): void => {
    const rate = (1000 * done) / (performance.now() - start);
    const figures = { "examples/s": rate.toFixed(rate < 10 ? 1 : 0) };
    onEvent({ kind: "progress", task: "score", done, total, unit: "examples", figures });
  };
  for await (const prediction of predictLabels(scorer, tokenizer, rows)) {
    const { row, predicted, probabilities, outside } = prediction;
    onPrediction?.(prediction);
    if (row.target !== undefined) {
      evaluator.add({ target: row.target, probabilities, outside });
      if (predicted !== row.target) {
        mistakes.add({
          text: row.text.slice(0, MISTAKE_TEXT),
          label: labels[row.target]!,
          predicted: labels[predicted]!,
          probability: probabilities[predicted]!,
        });
      }
    }
    if (++done % ROWS_PER_EVENT === 0) report();
  }
  report();
  return { ...evaluator.finish(), mistakes: mistakes.list() };
}
