import { UserError } from "../../base/errors.ts";
import type { ConversationEncoder } from "./conversation-encoder.ts";
import { type CutOptions, charactersOf, cutToFit } from "./cut.ts";
import type { Dataset } from "./dataset.ts";
import type { Example, Row } from "./example.ts";
import { countTargets, type EncodedExample } from "./pack.ts";
import type { Problems } from "./problems.ts";
import { encodeForHead } from "./prompt-encoder.ts";
import { refusedRow } from "./refused-row.ts";

export interface EncodeOptions extends CutOptions {
  readonly tooLong: "cut" | "skip" | "refuse";
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
    if (cut !== undefined) problems.change(dataset.where(index), `${limit}, cut in the document`, size);
    else problems.skip(dataset.where(index), tooLong === "cut" ? `${limit} even without its document` : limit, size);
    return cut;
  } catch (error) {
    return refusedRow(error, dataset.where(index), problems);
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
