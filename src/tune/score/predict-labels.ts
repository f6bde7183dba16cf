/** Rows in, labels with probabilities out; memory does not grow with the number of rows. */
import type { Tokenizer } from "../../model/text/tokenizer.ts";
import { LabelEncoder } from "./label-encoder.ts";
import type { LabelRow } from "./label-rows.ts";
import type { LabelScorer, LabelScores } from "./label-scorer.ts";

export interface LabelPrediction extends LabelScores {
  readonly row: LabelRow;
  /** Index of the most probable label, the first of equals. */
  readonly predicted: number;
}

/**
 * Scores rows in order.
 * @throws UserError when two labels are the same tokens.
 */
export async function* predictLabels(
  scorer: LabelScorer,
  tokenizer: Tokenizer,
  rows: Iterable<LabelRow> | AsyncIterable<LabelRow>,
): AsyncGenerator<LabelPrediction> {
  const encoder = new LabelEncoder(tokenizer);
  const scored = scorer.stream(rows, ({ answers, encode }) => encoder.candidates(answers, encode));
  for await (const { example: row, scores } of scored) {
    const predicted = scores.probabilities.indexOf(Math.max(...scores.probabilities));
    yield { ...scores, row, predicted };
  }
}
