/** Tokens of one piece, flat: id, begin, end; bounds are UTF-16 units from the start of the piece. */
export type PieceTokens = Int32Array;

/** Turns one piece of pre-tokenized text into tokens. */
export interface TokenModel {
  readonly vocab: ReadonlyMap<string, number>;
  /** Tokens of `text[begin … end)`. */
  encodePiece(text: string, begin: number, end: number): PieceTokens;
}
