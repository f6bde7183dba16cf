import { setImmediate as nextTurn } from "node:timers/promises";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { suggestName } from "../../base/names.ts";
import type { ConversationEncoder } from "./conversation-encoder.ts";
import { type CutOptions, charactersOf, cutToFit } from "./cut.ts";
import type { Dataset } from "./dataset.ts";
import { type Beside, EncodedDataset } from "./encoded-dataset.ts";
import { documentFields, type Example, type Row, type RowMarks } from "./example.ts";
import { countTargets, type EncodedExample } from "./pack.ts";
import { Problems } from "./problems.ts";
import { encodeForHead } from "./prompt-encoder.ts";
import { refusedRow } from "./refused-row.ts";
import type { Scratch } from "./store/scratch-file.ts";

export interface EncodeOptions extends CutOptions {
  readonly tooLong: "cut" | "skip" | "refuse";
  /** Where tokens go that are too many for memory. */
  readonly scratch?: Scratch | undefined;
}

/** Rows between two looks at the clock and at signals. */
const rowsPerTurn = 256;

/**
 * Every example of a set as tokens. Those longer than `maxLength` are cut in their document, skipped or refused; the
 * answer is never cut. What was cut or skipped is counted and told through `onEvent`.
 * @param weigh what a row counts
 * @throws UserError naming the row when it has nothing to learn, or is too long and that is refused; and when no row is left
 */
export async function encodeDataset(
  dataset: Dataset,
  encoder: ConversationEncoder,
  options: EncodeOptions,
  onEvent: EventSink,
  weigh: (marks: RowMarks) => RowWeight = () => ({}),
): Promise<EncodedDataset> {
  requireCutField(dataset, options);
  const problems = new Problems();
  const beside = besideOf(dataset, weigh);
  const encodedSet = new EncodedDataset(problems, { scratch: options.scratch, beside });
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

/** What the targets of a row count; see `EncodedExample`. */
export type RowWeight = Pick<EncodedExample, "weight" | "share">;

/** What the examples of rows have beside their tokens. */
function besideOf(dataset: Dataset, weigh: (marks: RowMarks) => RowWeight): (row: number) => Beside {
  const { forHead } = dataset.shape;
  return (row) => {
    const marks = dataset.marks(row);
    const { label, labels = label === undefined ? [] : [label] } = marks;
    return { ...(forHead && { labels }), ...weigh(marks) };
  };
}

/** @throws UserError for an example without a target: a single token teaches nothing, as nothing precedes it */
function taught(encoded: EncodedExample): EncodedExample {
  if (encoded.labels !== undefined || countTargets([encoded]) > 0) return encoded;
  throw new UserError({
    code: "data/nothing-to-learn",
    message: "there is no token to learn in this row",
    fix: "leave the row out, or look at template.assistant",
  });
}

/**
 * One row as tokens, undefined (and counted) when it is skipped.
 * @throws UserError when it has nothing to learn, or is too long and that is refused
 */
export function encodeRow(
  dataset: Dataset,
  index: number,
  encoder: ConversationEncoder,
  options: EncodeOptions,
  problems: Problems,
): EncodedExample | undefined {
  const where = dataset.where(index);
  const { maxLength, tooLong } = options;
  try {
    const example = dataset.example(index);
    const characters = charactersOf(example);
    // Absurdly long rows are not worth tokenizing to know that they do not fit.
    const encode = encodingOf(dataset, encoder);
    const encoded = characters > maxLength * encoder.longestToken ? undefined : encode(example);
    if (encoded !== undefined && encoded.ids.length <= maxLength) return taught(encoded);
    const size = encoded === undefined ? `${characters} characters` : `${encoded.ids.length} tokens`;
    if (tooLong === "refuse") {
      throw new UserError({
        code: "data/too-long",
        message: `an example of ${size} is longer than max_length ${maxLength}`,
        fix: "raise template.max_length, or set template.too_long to cut or skip",
      });
    }
    const cut = tooLong === "cut" ? cutExample(dataset, index, encoder, options) : undefined;
    const limit = `longer than ${maxLength} tokens`;
    if (cut !== undefined) problems.change(where, `${limit}, cut in the document`, size);
    else problems.skip(where, tooLong === "cut" ? `${limit} even without its document` : limit, size);
    return cut;
  } catch (error) {
    return refusedRow(error, where, problems);
  }
}

function encodingOf({ shape }: Dataset, encoder: ConversationEncoder): (example: Example) => EncodedExample {
  if (shape.forHead) return (example) => encodeForHead(example, encoder);
  return (example) =>
    example.kind === "text" ? encoder.encodeText(example.text) : encoder.encode(example.messages, example.tools);
}

function cutExample(
  dataset: Dataset,
  index: number,
  encoder: ConversationEncoder,
  options: EncodeOptions,
): EncodedExample | undefined {
  const { shape } = dataset;
  const encodeExample = encodingOf(dataset, encoder);
  const encode = (row: Row): EncodedExample => encodeExample(dataset.example(index, row));
  if (shape.kind !== "text" || shape.forHead)
    return cutToFit(dataset.row(index), shape, encode, encoder, options)?.encoded;
  const example = dataset.example(index);
  const { maxLength } = options;
  const text = example.kind === "text" ? example.text.slice(0, maxLength * encoder.longestToken) : "";
  const { ids, supervised } = encoder.encodeText(text);
  return { ids: ids.slice(0, maxLength), supervised: supervised.slice(0, maxLength) };
}

/** @throws UserError when the recipe names a field to cut that is not in the user's message, or also in the answer */
function requireCutField({ shape, name }: Dataset, { cutField, tooLong }: EncodeOptions): void {
  if (cutField === "auto" || tooLong !== "cut" || (shape.kind === "text" && !shape.forHead)) return;
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
