/** A text as tokens. */
export interface Encoding {
  readonly ids: Int32Array;
  /** Two per token: begin and end in the text, in UTF-16 units. Added special tokens have an empty range. */
  readonly offsets: Int32Array;
}
