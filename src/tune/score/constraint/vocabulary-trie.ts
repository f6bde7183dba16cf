/** The tokens of a vocabulary by their bytes, to find those that may follow without trying each. */
import type { Tokenizer } from "../../../model/text/tokenizer.ts";
import { tokenText } from "../token-text.ts";
import type { State } from "./machine.ts";

/** Nodes are beginnings of tokens, each before those that go on from it: a walk reads arrays from front to back. */
export class VocabularyTrie {
  /** By node: the last byte, how many bytes there are, and the first node that does not begin so. */
  readonly #byte: Uint8Array;
  readonly #depth: Int32Array;
  readonly #end: Int32Array;
  /** Tokens of the nodes, one after the other, and where those of a node begin. */
  readonly #tokens: Int32Array;
  readonly #begin: Int32Array;

  /** @param tokens bytes by id; undefined for those that are no text */
  constructor(tokens: readonly (readonly number[] | undefined)[]) {
    const spelled = [...tokens.entries()].flatMap(([id, bytes]) => (bytes?.length ? [{ id, bytes }] : []));
    spelled.sort((a, b) => compare(a.bytes, b.bytes));
    const [byte, depth, begin]: [number[], number[], number[]] = [[], [], []];
    let before: readonly number[] = [];
    for (const [i, { bytes }] of spelled.entries()) {
      let common = 0;
      while (common < before.length && before[common] === bytes[common]) common++;
      for (let at = common; at < bytes.length; at++) {
        byte.push(bytes[at]!);
        depth.push(at + 1);
        begin.push(i);
      }
      before = bytes;
    }
    this.#byte = Uint8Array.from(byte);
    this.#depth = Int32Array.from(depth);
    this.#tokens = Int32Array.from(spelled, ({ id }) => id);
    this.#begin = Int32Array.from([...begin, spelled.length]);
    this.#end = endsOf(this.#depth);
  }

  /** Calls `visit` with each token after which a text can still become what it must. */
  follow(from: State, visit: (id: number) => void): void {
    const states = [from];
    let node = 0;
    while (node < this.#byte.length) {
      const depth = this.#depth[node]!;
      const next = states[depth - 1]!.after(this.#byte[node]!);
      if (next === null) {
        node = this.#end[node]!;
        continue;
      }
      states[depth] = next;
      // Of nodes that begin at the same token the last one is its whole text.
      for (let i = this.#begin[node]!; i < this.#begin[node + 1]!; i++) visit(this.#tokens[i]!);
      node++;
    }
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

/** By node: the next one that is no deeper. */
function endsOf(depths: Int32Array): Int32Array {
  const ends = new Int32Array(depths.length);
  const open: number[] = [];
  for (let node = 0; node <= depths.length; node++) {
    const depth = depths[node] ?? 0;
    while (open.length > 0 && depths[open.at(-1)!]! >= depth) ends[open.pop()!] = node;
    open.push(node);
  }
  return ends;
}

/** A tokenizer's tokens as bytes, and by them. */
export interface TokenBytes {
  /** By id; undefined for tokens that are no text: added ones, and those whose bytes the vocabulary does not tell. */
  readonly bytes: readonly (readonly number[] | undefined)[];
  readonly trie: VocabularyTrie;
}

export interface VocabularyBytes {
  /** Of the first token of a text, before which some decoders take a space away, and of all others. */
  readonly first: TokenBytes;
  readonly later: TokenBytes;
}

const known = new WeakMap<Tokenizer, VocabularyBytes>();

/** Made at the first call for a tokenizer. */
export function vocabularyBytes(tokenizer: Tokenizer): VocabularyBytes {
  const made = known.get(tokenizer) ?? makeVocabularyBytes(tokenizer);
  known.set(tokenizer, made);
  return made;
}

function makeVocabularyBytes(tokenizer: Tokenizer): VocabularyBytes {
  const ids = Array.from({ length: tokenizer.vocabSize }, (_, id) => id);
  const isText = (id: number): boolean => tokenizer.token(id) !== undefined && !tokenizer.isAdded(id);
  const later = ids.map((id) => (isText(id) ? (tokenText(tokenizer, id).bytes ?? undefined) : undefined));
  const first = later.map((bytes, id) => {
    if (bytes?.[0] !== 0x20) return bytes;
    const text = tokenizer.decode([id]);
    return text.startsWith(" ") ? bytes : bytes.slice(1);
  });
  const ofLater = { bytes: later, trie: new VocabularyTrie(later) };
  const same = first.every((bytes, id) => bytes === later[id]);
  return { first: same ? ofLater : { bytes: first, trie: new VocabularyTrie(first) }, later: ofLater };
}
