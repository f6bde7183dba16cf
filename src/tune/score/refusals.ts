/** What a model cannot be asked, or must not be believed. */
import { UserError } from "../../base/errors.ts";

/** @throws UserError when a token is outside the model's vocabulary. */
export function refuseUnknownTokens(ids: Int32Array, vocabSize: number): void {
  const unknown = ids.find((id) => id >= vocabSize);
  if (unknown === undefined) return;
  throw new UserError({
    code: "score/vocabulary",
    message: `the tokenizer gives token ${unknown}, the model has a vocabulary of ${vocabSize}`,
    fix: "tokenizer.json and the weights are of different models: download the checkpoint again",
  });
}

/** @throws UserError when one of the model's numbers is NaN. */
export function refuseNotANumber(values: Float32Array): void {
  if (!values.some(Number.isNaN)) return;
  throw new UserError({
    code: "score/not-a-number",
    message: "the model gives no probabilities (NaN)",
    fix: "its weights have diverged: train again with a lower learning rate or gradient clipping",
  });
}
