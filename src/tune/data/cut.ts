import type { ConversationEncoder } from "./conversation-encoder.ts";
import { documentOf, type Example, type Row } from "./example.ts";
import type { EncodedExample } from "./pack.ts";
import type { Shape } from "./shape.ts";

export interface CutOptions {
  /** Longest example in tokens. */
  readonly maxLength: number;
  /** Field of the row that is cut, or `auto`. */
  readonly cutField: string;
}

export interface CutRow {
  readonly row: Row;
  readonly encoded: EncodedExample;
}

/**
 * Leave out the end of a row's document, so that the encoded row just fits. The answer and all that surrounds the
 * document stay whole.
 * @param encode encodes the row, or the row with a shorter document
 * @returns undefined when not even one token of the document would fit
 */
export function cutToFit(
  row: Row,
  shape: Shape,
  encode: (row: Row) => EncodedExample,
  encoder: ConversationEncoder,
  { maxLength, cutField }: CutOptions,
): CutRow | undefined {
  const document = documentOf(row, shape, cutField);
  if (document === undefined) return undefined;
  const { longestToken, tokenizer } = encoder;
  const limit = maxLength * longestToken;
  if (sizeOf(row) - document.text.length > limit) return undefined;
  const possible = wholeCharacters(document.text.slice(0, limit));
  const { offsets } = tokenizer.encode(possible);
  let kept = offsets.length / 2;
  let shorter = document.replacedBy(possible);
  let encoded = encode(shorter);
  // Tokens at the cut may join differently, so that the first cut can be a token or two short of enough.
  for (let excess = encoded.ids.length - maxLength; excess > 0; excess = encoded.ids.length - maxLength) {
    kept -= excess;
    if (kept <= 0) return undefined;
    shorter = document.replacedBy(wholeCharacters(possible.slice(0, offsets[2 * kept - 1])).trimEnd());
    encoded = encode(shorter);
  }
  return { row: shorter, encoded };
}

/** Characters of an example, for which more than `maxLength * longestToken` cannot fit into `maxLength` tokens. */
export function charactersOf(example: Example): number {
  if (example.kind === "text") return example.text.length;
  return example.messages.reduce((sum, { content }) => sum + content.length, 0);
}

function sizeOf({ values, messages }: Row): number {
  const texts = messages === undefined ? Object.values(values) : messages.map(({ content }) => content);
  return texts.reduce((sum, text) => sum + text.length, 0);
}

/** Text without half a surrogate pair at its end. */
function wholeCharacters(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last < 0xdc00 ? text.slice(0, -1) : text;
}
