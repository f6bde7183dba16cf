/** Rows in, labels with probabilities out; memory does not grow with the number of rows. */
import type { Tokenizer } from "../../model/text/tokenizer.ts";
import { type Decision, decide, mostProbable, probabilitiesOf } from "./decision.ts";
import { LabelEncoder } from "./label-encoder.ts";
import type { LabelRow } from "./label-rows.ts";
import type { LabelScorer, LabelScores } from "./label-scorer.ts";

export interface LabelPrediction extends LabelScores {
  readonly row: LabelRow;
  /** [labels] the log-probabilities */
  readonly logits: Float64Array;
  /** Index of the label given. */
  readonly predicted: number;
}

/**
 * Scores rows in order.
 * @param decision how labels are chosen; by default the most probable one is given
 * @param encoder one that has seen rows of the same template and labels, if there is one
 * @throws UserError when two labels are the same tokens.
 */
export async function* predictLabels(
  scorer: Pick<LabelScorer, "stream">,
  tokenizer: Tokenizer,
  rows: Iterable<LabelRow> | AsyncIterable<LabelRow>,
  decision?: Decision,
  encoder: LabelEncoder = new LabelEncoder(tokenizer),
): AsyncGenerator<LabelPrediction> {
  const scored = scorer.stream(rows, ({ answers, encode }) => encoder.candidates(answers, encode));
  for await (const { example: row, scores } of scored) {
    const { logProbabilities: logits } = scores;
    // Divided by one, the scorer's own probabilities are the same, to the bit.
    const probabilities =
      decision === undefined || decision.temperature === 1 ? scores.probabilities : probabilitiesOf(logits, decision);
    const predicted = decision ? decide(probabilities, decision).predicted : mostProbable(probabilities);
    yield { ...scores, row, logits, probabilities, predicted };
  }
}
