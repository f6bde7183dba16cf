import type { PieceCache } from "./piece-cache.ts";
import type { PieceTokens } from "./piece-tokens.ts";

/** Turns one piece of pre-tokenized text into tokens. */
export interface TokenModel {
  readonly vocab: ReadonlyMap<string, number>;
  /** Tokens of pieces that were encoded before. */
  readonly cache: PieceCache;
  /** Tokens of `text[begin … end)`. */
  encodePiece(text: string, begin: number, end: number): PieceTokens;
}
