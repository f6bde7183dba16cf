/** Tokens of one piece, flat: id, begin, end; bounds are UTF-16 units from the start of the piece. */
export type PieceTokens = Int32Array;

/** Turns one piece of pre-tokenized text into tokens. */
export interface TokenModel {
  readonly vocab: ReadonlyMap<string, number>;
  encodePiece(piece: string): PieceTokens;
}

/** Pieces kept per tokenizer: natural text repeats most of its words. */
const MAX_CACHED_PIECES = 1 << 16;
/** Longer pieces hardly repeat. */
const MAX_CACHED_LENGTH = 64;

/** Remembers the tokens of pieces; when full it starts anew, which bounds memory and costs next to nothing. */
export class PieceCache {
  readonly #entries = new Map<string, PieceTokens>();

  get(piece: string): PieceTokens | undefined {
    return this.#entries.get(piece);
  }

  set(piece: string, tokens: PieceTokens): void {
    if (piece.length > MAX_CACHED_LENGTH) return;
    if (this.#entries.size >= MAX_CACHED_PIECES) this.#entries.clear();
    // V8 keeps the whole parent of a substring alive; this copy has a parent of its own size.
    this.#entries.set(`-${piece}`.slice(1), tokens);
  }
}
