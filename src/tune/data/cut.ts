import type { Tokenizer } from "../../model/text/tokenizer.ts";
import { documentOf, type Row } from "./example.ts";
import type { EncodedExample } from "./pack.ts";
import type { MessagesShape, TemplateShape } from "./shape.ts";

export interface CutOptions {
  /** Longest example in tokens. */
  readonly maxLength: number;
  /** Field of the row that is cut, or `auto`. */
  readonly cutField: string;
}

/**
 * Leave out the end of a row's document, so that the encoded row just fits. The answer and all that surrounds the
 * document stay whole.
 * @param whole the row as it is, encoded
 * @param encode encodes the row with a shorter document
 * @returns undefined when not even one token of the document would fit
 */
export function cutToFit(
  row: Row,
  shape: TemplateShape | MessagesShape,
  whole: EncodedExample,
  encode: (row: Row) => EncodedExample,
  tokenizer: Tokenizer,
  { maxLength, cutField }: CutOptions,
): { readonly row: Row; readonly encoded: EncodedExample } | undefined {
  const document = documentOf(row, shape, cutField);
  if (document === undefined) return undefined;
  const { offsets } = tokenizer.encode(document.text);
  let kept = offsets.length / 2;
  let excess = whole.ids.length - maxLength;
  // Tokens at the cut may join differently, so that the first cut can be a token or two short of enough.
  while (excess > 0 && kept > excess) {
    kept -= excess;
    const text = wholeCharacters(document.text.slice(0, offsets[2 * kept - 1])).trimEnd();
    const shorter = document.replacedBy(text);
    const encoded = encode(shorter);
    excess = encoded.ids.length - maxLength;
    if (excess <= 0) return { row: shorter, encoded };
  }
  return undefined;
}

/** Text without half a surrogate pair at its end. */
function wholeCharacters(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last < 0xdc00 ? text.slice(0, -1) : text;
}
