/** The exact probability of every label by one forward pass over a label trie: no generation, no parsing. */
import { tokenLogProbabilities } from "../../engine/ops/log-probability/log-probability.ts";
import { scope, unscoped } from "../../engine/tensor/scope.ts";
import { fromHost, release, type Tensor, toFloats } from "../../engine/tensor/tensor.ts";
import type { Decoder } from "../../model/families/decoder.ts";
import { commonLength } from "../data/forest.ts";
import { buildLabelTries, type Candidate, type LabelTrie } from "./label-trie.ts";
import { inPasses, type Scoring } from "./passes.ts";
import { refuseNotANumber, refuseUnknownTokens } from "./refusals.ts";

export interface LabelScores {
  /** [labels] log-probability of each label's whole text and its end of turn after the prompt. */
  readonly logProbabilities: Float64Array;
  /** [labels] probability of each label, given that the answer is one of them: sums to one. */
  readonly probabilities: Float64Array;
  /** Probability that the model gives to everything that is no label. */
  readonly outside: number;
}

export interface ScoredExample<T> {
  readonly example: T;
  readonly scores: LabelScores;
}

export interface LabelScorerOptions {
  /** Tokens computed at once; by default 4096. A longer example is computed on its own. */
  readonly maxTokens?: number | undefined;
}

/** Tokens of a pass. */
export const PASS_TOKENS = 4096;

/** Scores examples, each given as one candidate per label. */
export class LabelScorer {
  readonly #decoder: Decoder;
  readonly #maxTokens: number;

  constructor(decoder: Decoder, { maxTokens = PASS_TOKENS }: LabelScorerOptions = {}) {
    this.#decoder = decoder;
    this.#maxTokens = maxTokens;
  }

  /** How full passes are made of examples. */
  get scoring(): Scoring<readonly Candidate[], LabelScores> {
    return {
      maxTokens: this.#maxTokens,
      tokens: (labels, before) => ownTokens(labels, before?.[0]),
      begin: (batch) => this.begin(batch),
    };
  }

  /**
   * Scores of each example, in the order given. What examples have in common is computed once.
   * @throws UserError when a token is not in the model's vocabulary, or the model's answer is not a number.
   */
  score(examples: readonly (readonly Candidate[])[]): LabelScores[] {
    return this.begin(examples)();
  }

  /**
   * Launches what `score` computes, and returns what waits for it: meanwhile the next examples can be made ready.
   * @throws UserError when a token is not in the model's vocabulary; the returned function, when an answer is not a number
   */
  begin(examples: readonly (readonly Candidate[])[]): () => LabelScores[] {
    const passes = buildLabelTries(examples.flat(), this.#maxTokens).map((trie) => ({
      trie,
      edges: this.#edgeLogProbabilities(trie),
    }));
    return () => {
      const logProbabilities = new Float64Array(examples.reduce((sum, labels) => sum + labels.length, 0));
      for (const { trie, edges } of passes) {
        const values = toFloats(edges);
        release(edges);
        refuseNotANumber(values);
        trie.members.forEach((member, i) => {
          for (const edge of trie.edges[i]!) logProbabilities[member]! += values[edge]!;
        });
      }
      let begin = 0;
      return examples.map(({ length }) => {
        begin += length;
        return labelScores(logProbabilities.slice(begin - length, begin));
      });
    };
  }

  /**
   * Scores a stream, holding only as many examples as fill two passes.
   * @param candidates of an example, one per label
   */
  async *stream<T>(
    examples: Iterable<T> | AsyncIterable<T>,
    candidates: (example: T) => readonly Candidate[],
  ): AsyncGenerator<ScoredExample<T>> {
    yield* streamLabels(examples, candidates, this.#maxTokens, (batch) => this.begin(batch));
  }

  /** [edges] log-probability of each edge's token, for the caller to release. */
  #edgeLogProbabilities(trie: LabelTrie): Tensor {
    const { device, head, config } = this.#decoder;
    refuseUnknownTokens(trie.tokens, config.vocabSize);
    refuseUnknownTokens(trie.edgeToken, config.vocabSize);
    const compute = (): Tensor => {
      const hidden = this.#decoder.hidden(trie, { rows: trie.rows });
      const [row, token] = [fromHost(device, trie.edgeRow), fromHost(device, trie.edgeToken)];
      return tokenLogProbabilities(hidden, head, row, token, { softcap: config.logitSoftcap });
    };
    return unscoped(() => scope(compute));
  }
}

/**
 * Scores a stream in the passes that a scorer of its own takes, wherever they are computed.
 * @param begin launches a pass; what it returns waits for its scores
 */
export async function* streamLabels<T>(
  examples: Iterable<T> | AsyncIterable<T>,
  candidates: (example: T) => readonly Candidate[],
  maxTokens: number,
  begin: (batch: readonly (readonly Candidate[])[]) => () => readonly LabelScores[] | Promise<readonly LabelScores[]>,
): AsyncGenerator<ScoredExample<T>> {
  const passes = inPasses(examples, {
    maxTokens,
    prepare: candidates,
    tokens: (labels, before) => ownTokens(labels, before?.[0]),
    begin,
  });
  for await (const [example, scores] of passes) yield { example, scores };
}

/** Tokens that an example adds to a trie, when it shares a beginning with the one before. */
function ownTokens(labels: readonly Candidate[], before: Candidate | undefined): number {
  let previous = before;
  let tokens = 0;
  for (const candidate of labels) {
    tokens += candidate.ids.length - (previous ? commonLength(previous.ids, candidate.ids) : 0);
    previous = candidate;
  }
  return tokens;
}

/** @param logProbabilities [labels] of answers that exclude each other */
export function labelScores(logProbabilities: Float64Array): LabelScores {
  const best = logProbabilities.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const weights = logProbabilities.map((value) => Math.exp(value - best));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return {
    logProbabilities,
    probabilities: weights.map((weight) => weight / total),
    outside: Math.max(0, 1 - total * Math.exp(best)),
  };
}
