/** Counts work in the data against work done, in floating-point operations (a product of sizes m, n, k is 2·m·n·k). */
import type { Ledger } from "../../base/events.ts";
import type { DecoderConfig } from "../../model/families/decoder-config.ts";
import type { EncodedExample, Pack } from "../data/pack.ts";
import { seenPairs } from "../data/seen-pairs.ts";

export interface WorkShape {
  readonly config: DecoderConfig;
  /** Weights are trained themselves: their gradients cost a third product. */
  readonly trainsWeights: boolean;
  readonly supervisedRowsOnly: boolean;
  /** Scores that the head gives a row: labels, or by default tokens of the vocabulary. */
  readonly outputs?: number;
}

export const emptyLedger: Ledger = {
  examples: 0,
  tokens: 0,
  tokensComputed: 0,
  supervisedTokens: 0,
  logitRows: 0,
  flopsPlain: 0,
  flopsComputed: 0,
};

export class LedgerCounter {
  readonly #shape: WorkShape;
  readonly #ledger: { -readonly [Key in keyof Ledger]: number };

  /** @param before what a resumed run had counted */
  constructor(shape: WorkShape, before: Ledger = emptyLedger) {
    this.#shape = shape;
    this.#ledger = { ...before };
  }

  /** One step's examples, and the packs that they were computed in. */
  add(examples: readonly EncodedExample[], packs: readonly Pack[]): void {
    const seesAhead = this.#shape.config.encoder !== undefined;
    for (const { ids, supervised } of examples) {
      const length = ids.length;
      this.#ledger.examples++;
      this.#ledger.tokens += length;
      for (let i = 1; i < length; i++) this.#ledger.supervisedTokens += supervised[i]!;
      this.#ledger.flopsPlain += this.#flops(
        length,
        seesAhead ? length ** 2 : (length * (length + 1)) / 2,
        length,
        length,
      );
    }
    for (const { tokens, positions, rows, begins } of packs) {
      const wanted = this.#shape.supervisedRowsOnly ? rows.length : tokens.length;
      this.#ledger.tokensComputed += tokens.length;
      // Where a head reads means, all rows are wanted, and one a text goes through it.
      const scored = begins ? begins.length - 1 : wanted;
      this.#ledger.logitRows += scored;
      this.#ledger.flopsComputed += this.#flops(tokens.length, seenPairs(positions, seesAhead), wanted, scored);
    }
  }

  ledger(): Ledger {
    return { ...this.#ledger };
  }

  /** Forward and backward of `tokens` that see `pairs` keys in all, `wanted` of them to the end; `scored` rows have logits. */
  #flops(tokens: number, pairs: number, wanted: number, scored: number): number {
    const { config, trainsWeights, outputs = config.vocabSize } = this.#shape;
    const { hiddenSize: d, intermediateSize: f, mlpMatrices, heads, kvHeads, headDim, layers } = config;
    const keysAndValues = 2 * d * kvHeads * headDim;
    const rest = 2 * d * heads * headDim + mlpMatrices * d * f;
    const seen = layers - 1 + wanted / Math.max(tokens, 1);
    const weights = layers * tokens * keysAndValues + seen * tokens * rest + scored * d * outputs;
    const passes = trainsWeights ? 3 : 2;
    // Scores and mixing are two products forward and four backward.
    const attention = seen * pairs * heads * headDim * 2 * 3;
    return 2 * (passes * weights + attention);
  }
}

/** Of the processes that shared a run. */
export function sumOfLedgers(ledgers: readonly Ledger[]): Ledger {
  const sum = { ...emptyLedger } as { -readonly [Key in keyof Ledger]: number };
  for (const ledger of ledgers) for (const key of Object.keys(sum) as (keyof Ledger)[]) sum[key] += ledger[key];
  return sum;
}
