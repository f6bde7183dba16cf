/** Scores of a class head: the logits of every label of each text, many texts a pass. */
import { scope, unscoped } from "../../engine/tensor/scope.ts";
import { release, type Tensor, toFloats } from "../../engine/tensor/tensor.ts";
import type { ClassHead } from "../../model/families/class-head.ts";
import type { Decoder } from "../../model/families/decoder.ts";
import { commonLength } from "../data/forest.ts";
import { type Pack, packExamples } from "../data/pack.ts";
import { PASS_TOKENS } from "./label-scorer.ts";
import { inPasses, type Scoring } from "./passes.ts";
import { pooled } from "./pooled.ts";
import { refuseNotANumber, refuseUnknownTokens } from "./refusals.ts";

export interface ClassScorerOptions {
  /** Tokens computed at once; by default 4096. A longer text is computed on its own. */
  readonly maxTokens?: number | undefined;
}

export class ClassScorer {
  readonly #decoder: Decoder;
  readonly #head: ClassHead;
  readonly #maxTokens: number;

  constructor(decoder: Decoder, head: ClassHead, { maxTokens = PASS_TOKENS }: ClassScorerOptions = {}) {
    this.#decoder = decoder;
    this.#head = head;
    this.#maxTokens = maxTokens;
  }

  /** How full passes are made of texts. */
  get scoring(): Scoring<Int32Array, Float32Array> {
    return {
      maxTokens: this.#maxTokens,
      tokens: (own, before) => ownTokens(own, before, this.#head),
      begin: (batch) => this.begin(batch),
    };
  }

  /**
   * Logits [labels] of each text, in the order given. What texts have in common is computed once.
   * @throws UserError when a token is not in the model's vocabulary, or a logit is not a number
   */
  score(texts: readonly Int32Array[]): Float32Array[] {
    return this.begin(texts)();
  }

  /** Launches what `score` computes, and returns what waits for it. */
  begin(texts: readonly Int32Array[]): () => Float32Array[] {
    // A text's place among the others stands in for its label, so that a pack's rows tell whose they are.
    const examples = texts.map((ids, i) => ({ ids, supervised: new Uint8Array(ids.length), labels: [i] }));
    const { pooling } = this.#head.parts;
    const layout = { enabled: true, sharePrompts: true, maxTokens: this.#maxTokens, pooling };
    const passes =
      texts.length === 0 ? [] : packExamples(examples, layout).map((pack) => [pack, this.#logits(pack)] as const);
    return () => {
      const { labels } = this.#head.config;
      const logits: Float32Array[] = [];
      for (const [pack, tensor] of passes) {
        const values = toFloats(tensor);
        release(tensor);
        refuseNotANumber(values);
        pack.targets.forEach((text, row) => {
          logits[text] = values.slice(row * labels, (row + 1) * labels);
        });
      }
      return logits;
    };
  }

  /** Logits of a stream, holding only as many rows as fill two passes. */
  stream<T>(
    rows: Iterable<T> | AsyncIterable<T>,
    ids: (row: T) => Int32Array,
  ): AsyncGenerator<readonly [row: T, logits: Float32Array]> {
    return streamClasses(rows, ids, this.#head, this.#maxTokens, (batch) => this.begin(batch));
  }

  /** [rows, labels], for the caller to release. */
  #logits(pack: Pack): Tensor {
    refuseUnknownTokens(pack.tokens, this.#decoder.config.vocabSize);
    const compute = (): Tensor =>
      this.#head.logits(pooled(this.#decoder.hidden(pack, { rows: pack.rows }), pack, true));
    return unscoped(() => scope(compute));
  }
}

/**
 * Logits of a stream in the passes that a scorer of its own takes, wherever they are computed.
 * @param begin launches a pass; what it returns waits for its logits
 */
export function streamClasses<T>(
  rows: Iterable<T> | AsyncIterable<T>,
  ids: (row: T) => Int32Array,
  head: Pick<ClassHead, "parts">,
  maxTokens: number,
  begin: (texts: readonly Int32Array[]) => () => readonly Float32Array[] | Promise<readonly Float32Array[]>,
): AsyncGenerator<readonly [row: T, logits: Float32Array]> {
  return inPasses(rows, {
    maxTokens,
    prepare: ids,
    tokens: (own, before) => ownTokens(own, before, head),
    begin,
  });
}

/** Tokens that a text adds to a pass, when it shares a beginning with the one before. */
function ownTokens(own: Int32Array, before: Int32Array | undefined, { parts }: Pick<ClassHead, "parts">): number {
  return own.length - (before && parts.pooling === "last" ? commonLength(before, own) : 0);
}
