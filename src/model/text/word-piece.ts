import type { JsonObject } from "../files/json-file.ts";
import { damaged } from "./component.ts";
import { PieceCache } from "./piece-cache.ts";
import type { PieceTokens } from "./piece-tokens.ts";
import type { TokenModel } from "./token-model.ts";

/** WordPiece (BERT): the longest known beginning of the word, then the longest known continuation, and so on. */
export class WordPiece implements TokenModel {
  readonly vocab: ReadonlyMap<string, number>;
  readonly #prefix: string;
  readonly #maxLength: number;
  readonly #unknown: number;
  readonly cache: PieceCache = new PieceCache();

  /** @throws UserError when the unknown token is not in the vocabulary. */
  constructor(model: JsonObject, vocab: ReadonlyMap<string, number>, where: string) {
    const unknown = typeof model.unk_token === "string" ? vocab.get(model.unk_token) : undefined;
    if (unknown === undefined) throw damaged('a WordPiece model must have an "unk_token" of its vocabulary', where);
    this.vocab = vocab;
    this.#unknown = unknown;
    this.#prefix = typeof model.continuing_subword_prefix === "string" ? model.continuing_subword_prefix : "##";
    this.#maxLength = typeof model.max_input_chars_per_word === "number" ? model.max_input_chars_per_word : 100;
  }

  encodePiece(text: string, begin: number, end: number): PieceTokens {
    const known = this.cache.get(text, begin, end);
    if (known !== undefined) return known;
    const tokens = Int32Array.from(this.#encode(text.slice(begin, end)));
    this.cache.set(text, begin, end, tokens);
    return tokens;
  }

  #encode(piece: string): number[] {
    const unknown = [this.#unknown, 0, piece.length];
    if (Array.from(piece).length > this.#maxLength) return unknown;
    const tokens: number[] = [];
    for (let begin = 0; begin < piece.length; ) {
      let end = piece.length;
      let id: number | undefined;
      for (; end > begin; end--) {
        id = this.vocab.get((begin > 0 ? this.#prefix : "") + piece.slice(begin, end));
        if (id !== undefined) break;
      }
      if (id === undefined) return unknown;
      tokens.push(id, begin, end);
      begin = end;
    }
    return tokens;
  }
}
