import { isJsonObject, type JsonObject, type JsonValue } from "../files/json-file.ts";
import { BYTE_TO_CHAR, utf8Byte, utf8Length } from "./byte-level.ts";
import { damaged, unsupported } from "./component.ts";
import { mergeSymbols, type Symbols } from "./merge-symbols.ts";
import { MergeTable } from "./merge-table.ts";
import { PieceCache } from "./piece-cache.ts";
import type { PieceTokens } from "./piece-tokens.ts";
import type { TokenModel } from "./token-model.ts";

/**
 * Byte-pair encoding (Sennrich et al. 2016) as Hugging Face tokenizers runs it: the adjacent pair of lowest merge rank
 * first, leftmost on ties. Written here rather than taken from the library because the library gives no offsets, which
 * the loss mask needs, and is several times slower.
 */
export class Bpe implements TokenModel {
  readonly vocab: ReadonlyMap<string, number>;
  readonly #merges: MergeTable;
  readonly cache: PieceCache = new PieceCache();
  readonly #ignoreMerges: boolean;
  readonly #fuseUnknown: boolean;
  readonly #unknown: number | undefined;
  /** Id of each byte's token: `Ġ`-style characters for byte-level text, `<0xNN>` for byte fallback. */
  readonly #byteIds: readonly (number | undefined)[] | undefined;
  readonly #byteLevel: boolean;
  readonly #symbols: Symbols = { ids: [], begins: [], ends: [] };

  /**
   * @param model the `model` of a tokenizer.json with type BPE.
   * @param byteLevel the pre-tokenizer maps bytes to characters.
   * @throws UserError when vocab or merges are damaged or use a feature that is not supported.
   */
  constructor(model: JsonObject, vocab: ReadonlyMap<string, number>, byteLevel: boolean, where: string) {
    for (const key of ["continuing_subword_prefix", "end_of_word_suffix", "dropout"]) {
      if (model[key]) throw unsupported("model", `BPE with ${key}`, where);
    }
    this.vocab = vocab;
    this.#merges = readMerges(model.merges, vocab, where);
    this.#ignoreMerges = model.ignore_merges === true;
    this.#fuseUnknown = model.fuse_unk === true;
    this.#unknown = typeof model.unk_token === "string" ? vocab.get(model.unk_token) : undefined;
    this.#byteLevel = byteLevel;
    if (byteLevel) this.#byteIds = BYTE_TO_CHAR.map((character) => vocab.get(character));
    else if (model.byte_fallback === true) this.#byteIds = byteFallbackIds(vocab);
  }

  encodePiece(text: string, begin: number, end: number): PieceTokens {
    const known = this.cache.get(text, begin, end);
    if (known !== undefined) return known;
    const tokens = this.#encode(text.slice(begin, end));
    this.cache.set(text, begin, end, tokens);
    return tokens;
  }

  #encode(piece: string): PieceTokens {
    if (this.#ignoreMerges) {
      const id = this.vocab.get(this.#byteLevel ? byteCharacters(piece) : piece);
      if (id !== undefined) return Int32Array.of(id, 0, piece.length);
    }
    this.#symbolize(piece);
    return mergeSymbols(this.#symbols, this.#merges);
  }

  /** The characters or bytes of a piece, as tokens. */
  #symbolize(piece: string): void {
    const symbols = this.#symbols;
    symbols.ids.length = symbols.begins.length = symbols.ends.length = 0;
    let lastWasUnknown = false;
    for (let begin = 0, end = 0; begin < piece.length; begin = end) {
      const codePoint = piece.codePointAt(begin)!;
      end = begin + (codePoint > 0xffff ? 2 : 1);
      const id = this.#byteLevel ? undefined : this.vocab.get(piece.slice(begin, end));
      if (id !== undefined) {
        push(symbols, id, begin, end);
        lastWasUnknown = false;
      } else if (this.#pushBytes(codePoint, begin, end)) {
        lastWasUnknown = false;
      } else if (this.#unknown !== undefined) {
        if (lastWasUnknown && this.#fuseUnknown) symbols.ends[symbols.ends.length - 1] = end;
        else push(symbols, this.#unknown, begin, end);
        lastWasUnknown = true;
      }
    }
  }

  /** All bytes of a character, or none when one of them has no token. */
  #pushBytes(codePoint: number, begin: number, end: number): boolean {
    if (this.#byteIds === undefined) return false;
    const length = utf8Length(codePoint);
    for (let k = 0; k < length; k++) if (this.#byteIds[utf8Byte(codePoint, k)] === undefined) return false;
    for (let k = 0; k < length; k++) push(this.#symbols, this.#byteIds[utf8Byte(codePoint, k)]!, begin, end);
    return true;
  }
}

function push(symbols: Symbols, id: number, begin: number, end: number): void {
  symbols.ids.push(id);
  symbols.begins.push(begin);
  symbols.ends.push(end);
}

function byteCharacters(piece: string): string {
  let characters = "";
  for (const byte of new TextEncoder().encode(piece)) characters += BYTE_TO_CHAR[byte];
  return characters;
}

function byteFallbackIds(vocab: ReadonlyMap<string, number>): (number | undefined)[] {
  return Array.from({ length: 256 }, (_, byte) => vocab.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`));
}

function readMerges(merges: JsonValue | undefined, vocab: ReadonlyMap<string, number>, where: string): MergeTable {
  if (!Array.isArray(merges)) throw damaged('"merges" must be a list', where);
  const table = new MergeTable(merges.length);
  for (const [rank, merge] of merges.entries()) {
    const parts = typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge : [];
    const [left, right] = parts;
    if (typeof left !== "string" || typeof right !== "string" || parts.length !== 2) {
      throw damaged(`merge ${rank} must be two tokens`, where);
    }
    const leftId = vocab.get(left);
    const rightId = vocab.get(right);
    const merged = vocab.get(left + right);
    if (leftId === undefined || rightId === undefined || merged === undefined) {
      throw damaged(
        `merge ${rank} (${JSON.stringify(left)} ${JSON.stringify(right)}) names a token that is not in the vocabulary`,
        where,
      );
    }
    table.set(leftId, rightId, rank, merged);
  }
  return table;
}

/** `vocab` of a tokenizer.json as a Map. @throws UserError when an id is not a small whole number. */
export function readVocab(vocab: JsonValue | undefined, maxId: number, where: string): Map<string, number> {
  if (!isJsonObject(vocab)) throw damaged('"vocab" must be an object that numbers tokens', where);
  const ids = new Map<string, number>();
  for (const [token, id] of Object.entries(vocab)) {
    if (!Number.isSafeInteger(id) || (id as number) < 0 || (id as number) > maxId) {
      throw damaged(
        `token ${JSON.stringify(token)} has the id ${JSON.stringify(id)}, which is not a whole number from 0 to ${maxId}`,
        where,
      );
    }
    ids.set(token, id as number);
  }
  return ids;
}
