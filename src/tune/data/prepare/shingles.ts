/**
 * What near-duplicates are told by: the set of a text's shingles, runs of words, after Broder (1997), "On the resemblance
 * and containment of documents". Words are runs of letters and digits, case and accents' spelling ignored; each
 * character of scripts without spaces is a word. Marks and white space do not count.
 */
import { mix32 } from "../../../base/random.ts";

/** Words of a shingle. */
export const SHINGLE_WORDS = 3;

/** Texts are compared by their first words: a bound on the time and memory of one pair. */
export const MAX_WORDS = 50_000;

/** The shingles of a text as ascending hashes of 32 bits, each once; a text shorter than a shingle is one. */
export function shinglesOf(text: string): Uint32Array {
  const words = hashWords(text.normalize("NFC"));
  if (words.length === 0) return new Uint32Array(0);
  const count = Math.max(1, words.length - SHINGLE_WORDS + 1);
  const length = Math.min(SHINGLE_WORDS, words.length);
  const shingles = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    let hash = 0;
    for (let j = i; j < i + length; j++) hash = mix32(Math.imul(hash, 31) + words[j]!);
    shingles[i] = hash;
  }
  shingles.sort();
  let kept = 1;
  for (let i = 1; i < count; i++) if (shingles[i] !== shingles[i - 1]) shingles[kept++] = shingles[i]!;
  return shingles.subarray(0, kept);
}

/** Jaccard similarity of two sets given as ascending numbers: what they share over what they hold together. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let shared = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      shared++;
      i++;
      j++;
    } else if (a[i]! < b[j]!) i++;
    else j++;
  }
  const together = a.length + b.length - shared;
  return together === 0 ? 0 : shared / together;
}

function hashWords(text: string): number[] {
  const words: number[] = [];
  let hash = 0;
  for (let i = 0; i < text.length && words.length < MAX_WORDS; i++) {
    const kind = kindOf(text.charCodeAt(i));
    if (kind === LETTER) hash = Math.imul((hash || OFFSET) ^ lowered(text, i), PRIME);
    else {
      if (hash !== 0) words.push(hash);
      hash = 0;
      if (kind === ALONE) words.push(Math.imul(OFFSET ^ text.charCodeAt(i), PRIME));
    }
  }
  if (hash !== 0 && words.length < MAX_WORDS) words.push(hash);
  return words;
}

// FNV-1a over UTF-16 code units.
const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

const MARK = 0;
const LETTER = 1;
const ALONE = 2;

function kindOf(code: number): number {
  if (code < 0x80) {
    const letter =
      (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95;
    return letter ? LETTER : MARK;
  }
  return kinds[code] === 0 ? remember(code) : kinds[code]! - 1;
}

/** Kind + 1 of a code unit beyond ASCII, once it was looked up. */
const kinds = new Uint8Array(0x10000);

function remember(code: number): number {
  const character = String.fromCharCode(code);
  // Half of a pair is taken for a letter: rare scripts and signs count as words rather than as nothing.
  const surrogate = code >= 0xd800 && code < 0xe000;
  const alone = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(character);
  const kind = alone ? ALONE : surrogate || /[\p{L}\p{N}\p{M}]/u.test(character) ? LETTER : MARK;
  kinds[code] = kind + 1;
  return kind;
}

function lowered(text: string, i: number): number {
  const code = text.charCodeAt(i);
  if (code < 0x80) return code >= 65 && code <= 90 ? code + 32 : code;
  return text[i]!.toLowerCase().charCodeAt(0);
}
