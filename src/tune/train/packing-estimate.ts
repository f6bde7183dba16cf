import type { Recipe } from "../../base/recipe/recipe.ts";
import { type EncodedExample, packExamples } from "../data/pack.ts";
import { Plan } from "./plan.ts";

/** What packs save of the tokens of a step. */
export interface PackingEstimate {
  /** Of the examples looked at, each counted whole. */
  readonly tokens: number;
  /** Of these, the tokens that go through the model. */
  readonly tokensComputed: number;
  /** Share of the tokens that need not be computed. */
  readonly saved: number;
  readonly examplesPerPack: number;
  /** Most tokens of a pack. */
  readonly maxTokens: number;
}

/**
 * Lays an epoch's examples out as training would: the same batches, the same packs.
 * @param examples all of the set, or a sample in any order, of which batches are as like each other as the set's
 */
export function estimatePacking(
  examples: readonly EncodedExample[],
  { training, packing, seed }: Recipe,
  maxTokens: number,
): PackingEstimate {
  const plan = new Plan(examples.length, training, seed);
  const layout = { enabled: packing.enabled, sharePrompts: packing.share_prompts, maxTokens };
  let tokens = 0;
  let tokensComputed = 0;
  let packs = 0;
  for (let step = 0; step < plan.stepsPerEpoch; step++) {
    for (const batch of plan.at(step).batches) {
      const rows = batch.map((index) => examples[index]!);
      for (const { ids } of rows) tokens += ids.length;
      for (const pack of packExamples(rows, layout)) {
        tokensComputed += pack.tokens.length;
        packs++;
      }
    }
  }
  return {
    tokens,
    tokensComputed,
    saved: 1 - tokensComputed / tokens,
    examplesPerPack: examples.length / packs,
    maxTokens,
  };
}
