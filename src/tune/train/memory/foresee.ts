/** What a run takes under one set of choices, and the least recomputation with which it fits. */
import type { RecomputePlan } from "../../../model/families/decoder.ts";
import type { Pack } from "../../data/pack.ts";
import type { FixedMemory, PassMemory, Rehearsal } from "./rehearsal.ts";
import type { StepSample } from "./step-sample.ts";

/** Bytes by part; together they are the peak. */
export type MemoryParts = FixedMemory & PassMemory;

export interface Foreseen {
  readonly recompute: RecomputePlan;
  readonly memory: MemoryParts;
  readonly peakBytes: number;
  /** Estimated, of one optimizer step. */
  readonly secondsPerStep: number;
}

export const keepAll: RecomputePlan = { cheap: false, fullLayers: 0 };

export function fullRecompute({ trainee }: Rehearsal): RecomputePlan {
  return { cheap: true, fullLayers: trainee.model.decoder.config.layers };
}

/**
 * The least recomputation that stays within `budget`: none; cheap outputs; those and as few whole layers as will do.
 * Undefined where even all layers are not enough.
 */
export function leastRecompute(
  rehearsal: Rehearsal,
  { heaviest }: StepSample,
  budget: number,
): RecomputePlan | undefined {
  const fits = (plan: RecomputePlan): boolean => sumOf(memoryOf(rehearsal, heaviest, plan)) <= budget;
  if (fits(keepAll)) return keepAll;
  const withLayers = (fullLayers: number): RecomputePlan => ({ cheap: true, fullLayers });
  const full = fullRecompute(rehearsal);
  if (!fits(full)) return undefined;
  let [low, high] = [0, full.fullLayers];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (fits(withLayers(middle))) high = middle;
    else low = middle + 1;
  }
  return withLayers(low);
}

export function foresee(rehearsal: Rehearsal, sample: StepSample, recompute: RecomputePlan): Foreseen {
  const memory = memoryOf(rehearsal, sample.heaviest, recompute);
  const secondsPerStep = secondsOf(rehearsal, sample, recompute) + rehearsal.updateSeconds;
  return { recompute, memory, peakBytes: sumOf(memory), secondsPerStep };
}

export function sumOf(memory: MemoryParts): number {
  return Object.values(memory).reduce((sum: number, bytes: number) => sum + bytes, 0);
}

function memoryOf(rehearsal: Rehearsal, pack: Pack, recompute: RecomputePlan): MemoryParts {
  return { ...rehearsal.fixed, ...rehearsal.pass(pack, recompute).memory };
}

/** Packs are alike: the largest stands for all, by tokens. */
function secondsOf(rehearsal: Rehearsal, { steps, tokensPerStep }: StepSample, recompute: RecomputePlan): number {
  const largest = steps.flat().reduce((most, pack) => (pack.tokens.length > most.tokens.length ? pack : most));
  const { products, attention, others } = rehearsal.pass(largest, recompute).seconds;
  return ((products + attention + others) * tokensPerStep) / largest.tokens.length;
}
