import { setImmediate as nextTurn } from "node:timers/promises";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { suggestName } from "../../base/names.ts";
import type { ConversationEncoder } from "./conversation-encoder.ts";
import type { Dataset } from "./dataset.ts";
import { EncodedDataset } from "./encoded-dataset.ts";
import { documentFields, documentOf, type Example } from "./example.ts";
import type { EncodedExample } from "./pack.ts";
import { Problems } from "./problems.ts";

export interface EncodeOptions {
  /** Longest example in tokens. */
  readonly maxLength: number;
  readonly tooLong: "cut" | "skip" | "refuse";
  /** Field of the row that is cut, or `auto`. */
  readonly cutField: string;
}

/** Rows between two looks at the clock and at signals. */
const rowsPerTurn = 256;

/**
 * Every example of a set as tokens. Those longer than `maxLength` are cut in their document, skipped or refused; the
 * answer is never cut. What was cut or skipped is counted and told through `onEvent`.
 * @throws UserError naming the row when it has nothing to learn, or is too long and that is refused; and when no row is left
 */
export async function encodeDataset(
  dataset: Dataset,
  encoder: ConversationEncoder,
  options: EncodeOptions,
  onEvent: EventSink,
): Promise<EncodedDataset> {
  requireCutField(dataset, options);
  const problems = new Problems();
  const encodedSet = new EncodedDataset(problems);
  const task = `encode ${dataset.name}`;
  for (let i = 0; i < dataset.length; i++) {
    const encoded = encodeRow(dataset, i, encoder, options, problems);
    if (encoded !== undefined) encodedSet.push(encoded, i);
    if (i % rowsPerTurn !== 0 && i + 1 !== dataset.length) continue;
    onEvent({ kind: "progress", task, done: i + 1, total: dataset.length, unit: "examples" });
    await nextTurn();
  }
  for (const line of problems.lines()) onEvent({ kind: "note", level: "warning", message: `${dataset.name}: ${line}` });
  if (encodedSet.length > 0) return encodedSet;
  throw new UserError({
    code: "data/no-examples",
    message: `no example of the ${dataset.name} set fits: ${problems.lines().join("; ")}`,
    fix: "raise template.max_length, or set template.too_long: cut",
  });
}

/** One row as tokens, undefined (and counted) when it is skipped. */
function encodeRow(
  dataset: Dataset,
  index: number,
  encoder: ConversationEncoder,
  options: EncodeOptions,
  problems: Problems,
): EncodedExample | undefined {
  const where = dataset.where(index);
  const { maxLength, tooLong } = options;
  try {
    const encoded = encodeExample(dataset.example(index), encoder);
    if (encoded.ids.length <= maxLength) return encoded;
    const size = `${encoded.ids.length} tokens`;
    if (tooLong === "refuse") {
      throw new UserError({
        code: "data/too-long",
        message: `an example of ${size} is longer than max_length ${maxLength}`,
        fix: "raise template.max_length, or set template.too_long to cut or skip",
      });
    }
    const cut = tooLong === "cut" ? cutToFit(dataset, index, encoder, options, encoded) : undefined;
    if (cut !== undefined) problems.change(where, `longer than ${maxLength} tokens, cut in the document`, size);
    else
      problems.skip(
        where,
        `longer than ${maxLength} tokens${tooLong === "cut" ? " even without its document" : ""}`,
        size,
      );
    return cut;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (error.code === "chat/template") {
      problems.skip(where, "the chat template refuses the conversation", error.message);
      return undefined;
    }
    throw new UserError({ code: error.code, message: error.message, where, fix: error.fix, cause: error });
  }
}

function encodeExample(example: Example, encoder: ConversationEncoder): EncodedExample {
  return example.kind === "text" ? encoder.encodeText(example.text) : encoder.encode(example.messages, example.tools);
}

/** The example with the end of its document left out, so that it just fits; undefined when even none of it fits. */
function cutToFit(
  dataset: Dataset,
  index: number,
  encoder: ConversationEncoder,
  { maxLength, cutField }: EncodeOptions,
  whole: EncodedExample,
): EncodedExample | undefined {
  const { shape } = dataset;
  if (shape.kind === "text") {
    return { ids: whole.ids.slice(0, maxLength), supervised: whole.supervised.slice(0, maxLength) };
  }
  const document = documentOf(dataset.rows[index]!, shape, cutField);
  if (document === undefined) return undefined;
  const { offsets } = encoder.tokenizer.encode(document.text);
  let kept = offsets.length / 2;
  let excess = whole.ids.length - maxLength;
  while (excess > 0 && kept > excess) {
    kept -= excess;
    const text = wholeCharacters(document.text.slice(0, offsets[2 * kept - 1])).trimEnd();
    const encoded = encodeExample(dataset.example(index, document.replacedBy(text)), encoder);
    excess = encoded.ids.length - maxLength;
    if (excess <= 0) return encoded;
  }
  return undefined;
}

/** Text without half a surrogate pair at its end. */
function wholeCharacters(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last < 0xdc00 ? text.slice(0, -1) : text;
}

/** @throws UserError when the recipe names a field to cut that is not in the user's message, or also in the answer */
function requireCutField({ shape, name }: Dataset, { cutField, tooLong }: EncodeOptions): void {
  if (cutField === "auto" || tooLong !== "cut" || shape.kind === "text") return;
  const fields = shape.kind === "messages" ? [] : documentFields(shape);
  if (fields.includes(cutField)) return;
  throw new UserError({
    code: "data/cut-field",
    message:
      shape.kind === "messages"
        ? `template.cut_field ${cutField}: the ${name} rows hold messages; the longest of the user's is cut`
        : `template.cut_field ${cutField} is no field of the user's message that may be cut`,
    fix: shape.kind === "messages" ? "remove it" : suggestName(cutField, fields),
  });
}
