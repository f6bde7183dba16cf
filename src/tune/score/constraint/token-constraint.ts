/** What a text must be, token by token: which may come next, and whether it may end. */
import { UserError } from "../../../base/errors.ts";
import type { JsonValue } from "../../../model/files/json-file.ts";
import type { Tokenizer } from "../../../model/text/tokenizer.ts";
import type { ConstraintSpec } from "../generation-request.ts";
import { choice, type Expression, literal } from "./grammar.ts";
import { anyObject, MAX_DEPTH } from "./json-grammar.ts";
import { Machine, type State } from "./machine.ts";
import { schemaGrammar } from "./schema-grammar.ts";
import { type TokenBytes, type VocabularyBytes, vocabularyBytes } from "./vocabulary-trie.ts";

/** [ceil(vocabulary / 32)] Bit id % 32 of word id / 32 is set for each token that may come. */
export type TokenMask = Int32Array;

/** Masks that are remembered, of about 20 kB each for a large vocabulary. */
const MAX_MASKS = 512;

/** What texts under one constraint have in common. */
export class TokenConstraint {
  readonly machine: Machine;
  readonly #vocabulary: VocabularyBytes;
  readonly #words: number;
  #masks = new Map<State, TokenMask>();
  #firstMask: TokenMask | undefined;

  /** @param vocabSize of the model, which may have more tokens than the tokenizer */
  constructor(grammar: Expression, vocabulary: VocabularyBytes, vocabSize: number) {
    this.machine = new Machine(grammar);
    this.#vocabulary = vocabulary;
    this.#words = Math.ceil(vocabSize / 32);
  }

  begin(): ConstrainedText {
    return new ConstrainedText(this);
  }

  tokens(isFirst: boolean): TokenBytes {
    return isFirst ? this.#vocabulary.first : this.#vocabulary.later;
  }

  /** Tokens that may come in a state, not counting those that end the text. */
  mask(state: State, isFirst: boolean): TokenMask {
    if (isFirst && this.#vocabulary.first !== this.#vocabulary.later) {
      this.#firstMask ??= this.#makeMask(state, this.#vocabulary.first);
      return this.#firstMask;
    }
    const known = this.#masks.get(state);
    if (known) return known;
    const mask = this.#makeMask(state, this.#vocabulary.later);
    if (this.#masks.size >= MAX_MASKS) this.#masks = new Map();
    this.#masks.set(state, mask);
    return mask;
  }

  #makeMask(state: State, { trie }: TokenBytes): TokenMask {
    const mask = new Int32Array(this.#words);
    trie.follow(state, (id) => {
      if (id < this.#words * 32) mask[id >>> 5]! |= 1 << (id & 31);
    });
    return mask;
  }
}

/** One text on its way. */
export class ConstrainedText {
  readonly #constraint: TokenConstraint;
  #state: State;
  #isFirst = true;
  /** The last mask that was told with the ends in it. */
  #withEnds: { readonly of: TokenMask; readonly mask: TokenMask } | undefined;

  constructor(constraint: TokenConstraint) {
    this.#constraint = constraint;
    this.#state = constraint.machine.start;
  }

  /** Whether nothing may come any more. */
  get isWhole(): boolean {
    return this.#state.mustEnd;
  }

  /** @param ends tokens that may come where the text may end */
  mask(ends: Iterable<number>): TokenMask {
    const mask = this.#constraint.mask(this.#state, this.#isFirst);
    if (!this.#state.mayEnd) return mask;
    if (this.#withEnds?.of !== mask) {
      const withEnds = mask.slice();
      for (const id of ends) if (id < withEnds.length * 32) withEnds[id >>> 5]! |= 1 << (id & 31);
      this.#withEnds = { of: mask, mask: withEnds };
    }
    return this.#withEnds.mask;
  }

  /** Goes on by a token that the mask allows, other than an end. */
  push(id: number): void {
    for (const byte of this.#constraint.tokens(this.#isFirst).bytes[id]!) this.#state = this.#state.after(byte)!;
    this.#isFirst = false;
  }
}

/** Constraints that are remembered, and how much of its texts one may remember. */
const MAX_CONSTRAINTS = 64;
const MAX_SIZE = 200_000;

/** Makes constraints of what requests say, each once. */
export class ConstraintMaker {
  readonly #tokenizer: Tokenizer;
  readonly #vocabSize: number;
  /** The least recently used first. */
  readonly #made = new Map<string, TokenConstraint>();

  constructor(tokenizer: Tokenizer, vocabSize: number) {
    this.#tokenizer = tokenizer;
    this.#vocabSize = vocabSize;
  }

  /** @throws UserError when a schema uses what is not supported */
  make(spec: ConstraintSpec): TokenConstraint {
    const key = JSON.stringify(spec);
    const known = this.#made.get(key);
    const fresh = known !== undefined && known.machine.size < MAX_SIZE;
    const made = fresh
      ? known
      : new TokenConstraint(grammarOf(spec), vocabularyBytes(this.#tokenizer), this.#vocabSize);
    this.#made.delete(key);
    this.#made.set(key, made);
    const [oldest] = this.#made.keys();
    if (this.#made.size > MAX_CONSTRAINTS) this.#made.delete(oldest!);
    return made;
  }
}

/** @throws UserError as `schemaGrammar`, and when there is no label or an empty one */
export function grammarOf(spec: ConstraintSpec): Expression {
  switch (spec.kind) {
    case "labels":
      if (spec.labels.length === 0 || spec.labels.includes("")) {
        throw new UserError({
          code: "constraint/labels",
          message: spec.labels.length === 0 ? "there are no labels to choose from" : "a label is empty",
          fix: "name at least one label, none of them empty",
        });
      }
      return choice(...spec.labels.map(literal));
    case "json":
      return anyObject(MAX_DEPTH);
    case "json-schema":
      return schemaGrammar(spec.schema as JsonValue);
  }
}
