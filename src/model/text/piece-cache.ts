import type { PieceTokens } from "./token-model.ts";

/** Pieces kept per tokenizer: natural text repeats most of its words. */
const MAX_PIECES = 1 << 16;
/** Longer pieces hardly repeat. */
const MAX_LENGTH = 64;
/** UTF-16 units of all pieces together. */
const MAX_UNITS = 1 << 20;
/** A power of two, so that a third of the slots is in use at most. */
const SLOTS = 1 << 18;

/**
 * Remembers the tokens of pieces of text; when full it starts anew, which bounds memory and costs next to nothing. A hash
 * table over the units themselves: a `Map` would need a string of its own for each piece that is looked up, which takes
 * longer than all else in tokenising a known text.
 */
export class PieceCache {
  /** Number of the piece plus one, 0 where there is none. */
  readonly #slots = new Int32Array(SLOTS);
  readonly #hashes = new Int32Array(MAX_PIECES);
  /** Where each piece begins in `#units`; the next one's begin is its end. */
  readonly #begins = new Int32Array(MAX_PIECES + 1);
  #units = new Uint16Array(1 << 12);
  #tokens: PieceTokens[] = [];

  /** Tokens of `text[begin … end)`. */
  get(text: string, begin: number, end: number): PieceTokens | undefined {
    if (end - begin > MAX_LENGTH) return undefined;
    const hash = hashOf(text, begin, end);
    for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
      const piece = this.#slots[slot]! - 1;
      if (piece < 0) return undefined;
      if (this.#hashes[piece] === hash && this.#holds(piece, text, begin, end)) return this.#tokens[piece];
    }
  }

  /** @param tokens of a piece that is not there yet */
  set(text: string, begin: number, end: number, tokens: PieceTokens): void {
    const length = end - begin;
    if (length > MAX_LENGTH) return;
    if (this.#tokens.length === MAX_PIECES || this.#begins[this.#tokens.length]! + length > MAX_UNITS) {
      this.#slots.fill(0);
      this.#tokens = [];
    }
    const piece = this.#tokens.length;
    const at = this.#begins[piece]!;
    if (at + length > this.#units.length) {
      const units = new Uint16Array(2 * this.#units.length);
      units.set(this.#units);
      this.#units = units;
    }
    for (let i = 0; i < length; i++) this.#units[at + i] = text.charCodeAt(begin + i);
    this.#begins[piece + 1] = at + length;
    const hash = hashOf(text, begin, end);
    this.#hashes[piece] = hash;
    this.#tokens.push(tokens);
    let slot = hash & (SLOTS - 1);
    while (this.#slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
    this.#slots[slot] = piece + 1;
  }

  #holds(piece: number, text: string, begin: number, end: number): boolean {
    const at = this.#begins[piece]!;
    const length = end - begin;
    if (this.#begins[piece + 1]! - at !== length) return false;
    for (let i = 0; i < length; i++) if (this.#units[at + i] !== text.charCodeAt(begin + i)) return false;
    return true;
  }
}

/** FNV-1a over UTF-16 units, with its high bits mixed into the low ones. */
function hashOf(text: string, begin: number, end: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = begin; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}
