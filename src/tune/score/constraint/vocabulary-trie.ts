/** The tokens of a vocabulary by their bytes, to find those that may follow without trying each. */
import type { Tokenizer } from "../../../model/text/tokenizer.ts";
import { tokenText } from "../token-text.ts";
import type { State } from "./machine.ts";

/** A node is a beginning of tokens; children of a node are a list. Node 0 is the empty beginning. */
export class VocabularyTrie {
  readonly #firstChild: number[] = [-1];
  readonly #sibling: number[] = [-1];
  readonly #byte: number[] = [0];
  /** Tokens that end at a node. */
  readonly #tokens: (number[] | undefined)[] = [undefined];

  /** @param tokens bytes by id; undefined for those that are no text */
  constructor(tokens: readonly (readonly number[] | undefined)[]) {
    const nodes = new Map<number, number>();
    for (const [id, bytes] of tokens.entries()) {
      if (bytes === undefined || bytes.length === 0) continue;
      let node = 0;
      for (const byte of bytes) node = this.#child(nodes, node, byte);
      this.#tokens[node] = [...(this.#tokens[node] ?? []), id];
    }
  }

  /** Calls `visit` with each token after which a text can still become what it must. */
  follow(from: State, visit: (id: number) => void): void {
    const nodes = [this.#firstChild[0]!];
    const states = [from];
    while (nodes.length > 0) {
      const node = nodes.pop()!;
      const state = states.pop()!;
      if (node < 0) continue;
      nodes.push(this.#sibling[node]!);
      states.push(state);
      const next = state.after(this.#byte[node]!);
      if (next === null) continue;
      for (const id of this.#tokens[node] ?? []) visit(id);
      nodes.push(this.#firstChild[node]!);
      states.push(next);
    }
  }

  #child(nodes: Map<number, number>, parent: number, byte: number): number {
    const key = parent * 256 + byte;
    const known = nodes.get(key);
    if (known !== undefined) return known;
    const node = this.#byte.length;
    nodes.set(key, node);
    this.#byte.push(byte);
    this.#sibling.push(this.#firstChild[parent]!);
    this.#firstChild.push(-1);
    this.#firstChild[parent] = node;
    this.#tokens.push(undefined);
    return node;
  }
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
