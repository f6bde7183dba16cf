/** The rows of a set as questions with one answer per label. */
import { UserError } from "../../base/errors.ts";
import type { ConversationEncoder } from "../data/conversation-encoder.ts";
import type { Dataset } from "../data/dataset.ts";
import type { EncodeOptions } from "../data/encode-row.ts";
import type { Problems } from "../data/problems.ts";
import { refusedRow } from "../data/refused-row.ts";
import { askedRow } from "./asked-row.ts";
import type { EncodeAnswer } from "./label-encoder.ts";

export interface LabelRow {
  /** Index in the set. */
  readonly index: number;
  /** Index of the true label, where it is known. */
  readonly target: number | undefined;
  /** The last thing the user says. */
  readonly text: string;
  /** What the assistant would write, label by label. */
  readonly answers: readonly string[];
  readonly encode: EncodeAnswer;
}

/**
 * Questions of all rows, in order. A document that leaves no room for the longest answer is treated as in training: cut,
 * skipped or refused; what was cut or skipped is counted in `problems`.
 * @param encoder one that marks the assistant's answers alone
 * @throws UserError when the set has no labels, or a row is too long and that is refused.
 */
export function* labelRows(
  dataset: Dataset,
  encoder: ConversationEncoder,
  options: EncodeOptions,
  problems: Problems,
): Generator<LabelRow> {
  if (encoder.options.lossOn !== "assistant") throw new Error("labels are scored with an encoder that marks answers");
  if (dataset.labels === undefined || dataset.shape.kind === "text") {
    throw new UserError({
      code: "score/no-labels",
      message: `the ${dataset.name} set has no labels to choose from`,
      fix: "name the label's field in data.columns, or list the labels in data.labels",
    });
  }
  for (let index = 0; index < dataset.length; index++) {
    const row = labelRow(dataset, index, encoder, options, problems);
    if (row !== undefined) yield row;
  }
}

function labelRow(
  dataset: Dataset,
  index: number,
  encoder: ConversationEncoder,
  options: EncodeOptions,
  problems: Problems,
): LabelRow | undefined {
  const answers = dataset.answers(index);
  try {
    const asked = askedRow(dataset, index, answers, "label", encoder, options, problems);
    return asked && { index, target: dataset.label(index), answers, ...asked };
  } catch (error) {
    return refusedRow(error, dataset.where(index), problems);
  }
}
