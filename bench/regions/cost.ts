import type { Sequence } from "../../src/engine/nn/sequence.ts";
import type { Decoder } from "../../src/model/families/decoder.ts";
import type { LabelTrie } from "../../src/tune/score/label-trie.ts";
import type { ScoreTexts } from "../../src/tune/score/regions/label-odds.ts";

export interface Cost {
  readonly seconds: number;
  /** Shorter texts that were scored. */
  readonly texts: number;
  /** Tokens that went through the model. */
  readonly tokens: number;
  /** Tokens of all sequences, each counted whole. */
  readonly tokensUnshared: number;
}

/** Counts what a classifier computes. */
export class Meter {
  #texts = 0;
  #tokens = 0;
  #tokensUnshared = 0;
  #since: number = performance.now();

  constructor(decoder: Decoder) {
    const hidden = decoder.hidden.bind(decoder);
    decoder.hidden = (sequence, options) => {
      this.#tokens += sequence.tokens.length;
      this.#tokensUnshared += tokensUnshared(sequence, options?.rows);
      return hidden(sequence, options);
    };
  }

  counting(score: ScoreTexts): ScoreTexts {
    return (asked) => {
      this.#texts += asked.length;
      return score(asked);
    };
  }

  /** What was computed since the last time. */
  take(): Cost {
    const cost = {
      seconds: (performance.now() - this.#since) / 1000,
      texts: this.#texts,
      tokens: this.#tokens,
      tokensUnshared: this.#tokensUnshared,
    };
    [this.#texts, this.#tokens, this.#tokensUnshared, this.#since] = [0, 0, 0, performance.now()];
    return cost;
  }
}

/** A class head reads one token of each text, its last; with answers in words each answer is a text. */
function tokensUnshared(sequence: Sequence | LabelTrie, rows: Int32Array | undefined): number {
  const { positions } = sequence;
  if ("edges" in sequence) {
    const lengths = sequence.edges.map((edges) => positions[sequence.rows[sequence.edgeRow[edges.at(-1)!]!]!]! + 1);
    return lengths.reduce((sum, length) => sum + length, 0);
  }
  return rows === undefined ? positions.length : rows.reduce((sum, row) => sum + positions[row]! + 1, 0);
}
