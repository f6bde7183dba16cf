import type { PieceTokens } from "./piece-tokens.ts";
import type { TokenSink } from "./token-sink.ts";

/** Pieces kept per tokenizer: natural text repeats most of its words. */
const MAX_PIECES = 1 << 16;
/** Longer pieces hardly repeat. */
const MAX_LENGTH = 64;
/** UTF-16 units of all pieces together. */
const MAX_UNITS = 1 << 20;
/** A power of two, so that a third of the slots is in use at most. */
const SLOTS = 1 << 18;

/**
 * Of a piece, side by side so that they come from memory together: hash, place of its units, length, only token. In place
 * of the only token, where there are several, -1 minus their place among all; their number stands there, they follow.
 */
const FIELDS = 4;

/**
 * Remembers the tokens of pieces of text; when full it starts anew, which bounds memory and costs next to nothing. A hash
 * table over the units themselves: a `Map` would need a string of its own for each piece that is looked up, which takes
 * longer than all else in tokenising a known text.
 */
export class PieceCache {
  /** Number of the piece plus one, 0 where there is none. */
  readonly #slots = new Int32Array(SLOTS);
  #pieces = new Int32Array(FIELDS << 10);
  #units = new Uint16Array(1 << 12);
  /** Of pieces of several tokens. */
  #tokens = new Int32Array(1 << 12);
  #count = 0;
  #unitsUsed = 0;
  #tokensUsed = 0;

  /** Appends the tokens of `text[begin … end)`, the text's offsets counted from `base`; false when they are not known. */
  append(text: string, begin: number, end: number, base: number, sink: TokenSink): boolean {
    const piece = this.#find(text, begin, end);
    if (piece < 0) return false;
    const only = this.#pieces[piece * FIELDS + 3]!;
    if (only >= 0) sink.push(only, base + begin, base + end);
    else sink.appendPiece(this.#tokens, base + begin, -only, -only + this.#tokens[-only - 1]!);
    return true;
  }

  /** Tokens of `text[begin … end)`, undefined when they are not known. */
  get(text: string, begin: number, end: number): PieceTokens | undefined {
    const piece = this.#find(text, begin, end);
    if (piece < 0) return undefined;
    const only = this.#pieces[piece * FIELDS + 3]!;
    if (only >= 0) return Int32Array.of(only, 0, end - begin);
    return this.#tokens.slice(-only, -only + this.#tokens[-only - 1]!);
  }

  /** @param tokens of a piece that is not there yet */
  set(text: string, begin: number, end: number, tokens: PieceTokens): void {
    const length = end - begin;
    if (length > MAX_LENGTH) return;
    if (this.#count === MAX_PIECES || this.#unitsUsed + length > MAX_UNITS) this.#clear();
    const piece = this.#count++;
    const hash = hashOf(text, begin, end);
    const isOnly = tokens.length === 3 && tokens[1] === 0 && tokens[2] === length;
    if ((piece + 1) * FIELDS > this.#pieces.length) this.#pieces = doubled(this.#pieces, Int32Array);
    this.#pieces.set([hash, this.#unitsUsed, length, isOnly ? tokens[0]! : -1 - this.#tokensUsed], piece * FIELDS);
    if (!isOnly) this.#keep(tokens);
    if (this.#unitsUsed + length > this.#units.length) this.#units = doubled(this.#units, Uint16Array);
    for (let i = begin; i < end; i++) this.#units[this.#unitsUsed++] = text.charCodeAt(i);
    let slot = hash & (SLOTS - 1);
    while (this.#slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
    this.#slots[slot] = piece + 1;
  }

  #keep(tokens: PieceTokens): void {
    while (this.#tokensUsed + 1 + tokens.length > this.#tokens.length) this.#tokens = doubled(this.#tokens, Int32Array);
    this.#tokens[this.#tokensUsed] = tokens.length;
    this.#tokens.set(tokens, this.#tokensUsed + 1);
    this.#tokensUsed += 1 + tokens.length;
  }

  #find(text: string, begin: number, end: number): number {
    if (end - begin > MAX_LENGTH) return -1;
    const hash = hashOf(text, begin, end);
    for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
      const piece = this.#slots[slot]! - 1;
      if (piece < 0) return -1;
      if (this.#pieces[piece * FIELDS] === hash && this.#holds(piece, text, begin, end)) return piece;
    }
  }

  #holds(piece: number, text: string, begin: number, end: number): boolean {
    const at = this.#pieces[piece * FIELDS + 1]! - begin;
    if (this.#pieces[piece * FIELDS + 2] !== end - begin) return false;
    for (let i = begin; i < end; i++) if (this.#units[at + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  #clear(): void {
    this.#slots.fill(0);
    this.#count = 0;
    this.#unitsUsed = 0;
    this.#tokensUsed = 0;
  }
}

/** FNV-1a over UTF-16 units, with its high bits mixed into the low ones. */
function hashOf(text: string, begin: number, end: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = begin; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}

function doubled<T extends Int32Array | Uint16Array>(values: T, kind: new (length: number) => T): T {
  const more = new kind(2 * values.length);
  more.set(values);
  return more;
}
