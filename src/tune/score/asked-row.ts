import { UserError } from "../../base/errors.ts";
import type { ConversationEncoder } from "../data/conversation-encoder.ts";
import type { Dataset } from "../data/dataset.ts";
import type { EncodeOptions } from "../data/encode-row.ts";
import type { Problems } from "../data/problems.ts";
import { type Prompt, promptOf } from "../data/prompt.ts";

/** What a row asks, with room for any of its answers. */
export interface AskedRow {
  /** The last thing the user says. */
  readonly text: string;
  readonly encode: Prompt["encode"];
}

/**
 * A row's question, where a document that leaves no room for the longest answer is treated as in training: cut, skipped
 * or refused.
 * @param answers what the assistant may write
 * @param answer what an answer is called in an error: `label`
 * @returns undefined, and counted in `problems`, for a row that is skipped
 * @throws UserError when the row is too long and that is refused
 */
export function askedRow(
  dataset: Dataset,
  index: number,
  answers: readonly string[],
  answer: string,
  encoder: ConversationEncoder,
  { maxLength, tooLong, cutField }: EncodeOptions,
  problems: Problems,
): AskedRow | undefined {
  const where = dataset.where(index);
  const prompt = promptOf(dataset, index, answers, encoder, { maxLength, cutField });
  const tooMuch = `longer than ${maxLength} tokens`;
  if (prompt?.cut !== false && tooLong === "refuse") {
    throw new UserError({
      code: "data/too-long",
      message: `a row with its ${answer} is ${tooMuch}`,
      fix: "raise template.max_length, or set template.too_long to cut or skip",
    });
  }
  if (prompt === undefined || (prompt.cut && tooLong === "skip")) {
    problems.skip(where, tooLong === "skip" ? tooMuch : `${tooMuch} even without its document`);
    return undefined;
  }
  if (prompt.cut) problems.change(where, `${tooMuch}, cut in the document`);
  return { text: prompt.messages.findLast(({ role }) => role === "user")?.content ?? "", encode: prompt.encode };
}
