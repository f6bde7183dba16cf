/** Choosing the next token from logits, in the order of transformers' logits processors: temperature, top-k, top-p. */
import type { Random } from "../../base/random.ts";

export interface SamplingOptions {
  /** 0 takes the most probable token (greedy). */
  readonly temperature: number;
  /** Only the k most probable tokens; 0: all. */
  readonly topK: number;
  /** Only the fewest most probable tokens whose probabilities reach this sum; 1: all. */
  readonly topP: number;
}

/** @param logits [vocabulary] @returns a token id */
export function chooseToken(
  logits: Float32Array,
  { temperature, topK, topP }: SamplingOptions,
  random: Random,
): number {
  const best = argmax(logits);
  if (temperature === 0) return best;
  const highest = logits[best]!;
  // Unnormalised: the most probable token has weight 1.
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - highest) / temperature));
  const kept = topP < 1 || topK > 0 ? nucleus(weights, topK, topP) : undefined;
  return kept === undefined ? draw(weights, weights.keys(), random) : draw(weights, kept, random);
}

/** The first of equals, as torch's argmax on the CPU. */
function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** Token ids by falling weight, as many as top-k and top-p keep. */
function nucleus(weights: Float64Array, topK: number, topP: number): number[] {
  const total = sum(weights, weights.keys());
  // All lighter tokens together are less than what top-p leaves out, so none of them can be in.
  const least = topK > 0 ? 0 : ((1 - topP) * total) / weights.length;
  const candidates: number[] = [];
  for (let i = 0; i < weights.length; i++) if (weights[i]! >= least) candidates.push(i);
  const sorted = candidates.sort((a, b) => weights[b]! - weights[a]! || a - b).slice(0, topK > 0 ? topK : undefined);
  if (topP >= 1) return sorted;
  const wanted = topP * (topK > 0 ? sum(weights, sorted) : total);
  let reached = 0;
  let count = 0;
  while (count < sorted.length && reached < wanted) reached += weights[sorted[count++]!]!;
  return sorted.slice(0, Math.max(count, 1));
}

function draw(weights: Float64Array, ids: Iterable<number>, random: Random): number {
  const list = [...ids];
  let left = random.uniform() * sum(weights, list);
  for (const id of list) {
    left -= weights[id]!;
    if (left < 0) return id;
  }
  return list.at(-1)!;
}

function sum(weights: Float64Array, ids: Iterable<number>): number {
  let total = 0;
  for (const id of ids) total += weights[id]!;
  return total;
}
