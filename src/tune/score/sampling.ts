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

/** What is known of the logits of one place without reading all of them. */
export interface LeadingLogits {
  /** Ids of the largest, the largest first; all of them where there are fewer than were asked for. */
  readonly ids: Int32Array;
  readonly logits: Float32Array;
  /** Sum over all tokens of exp((logit - largest) / temperature). */
  readonly weight: number;
  /** [vocabulary] All logits, -infinity where a token is forbidden; costly. */
  readonly all: () => Float32Array;
}

/**
 * Tokens are lined up by falling probability as far as they are leading, the others by rising id; where in the line a
 * uniform draw falls decides.
 * @returns a token id
 */
export function chooseToken(
  leading: LeadingLogits,
  { temperature, topK, topP }: SamplingOptions,
  random: Random,
): number {
  const { ids, logits, weight } = leading;
  if (temperature === 0) return ids[0]!;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - logits[0]!) / temperature));
  const listed = sum(weights);
  // Fewer than could be listed are all there are; the sum of all is then what is listed, to the bit.
  const isAll = listed >= weight * (1 - 1e-6);
  const total = isAll ? listed : weight;
  const drawn = random.uniform();
  if (topK > 0 && (topK <= ids.length || isAll)) {
    const most = weights.subarray(0, topK);
    return draw(ids, nucleus(most, topP * sum(most), topP), drawn);
  }
  if (topK === 0 && topP >= 1) {
    const left = drawn * total - listed;
    return left < 0 || isAll ? draw(ids, weights, (drawn * total) / listed) : drawOther(leading, temperature, left);
  }
  if (topK === 0 && topP * total <= listed) return draw(ids, nucleus(weights, topP * total, topP), drawn);
  const everything = sorted(leading.all(), logits[0]!, temperature, topK);
  const reach = topP * (topK > 0 ? sum(everything.weights) : total);
  return draw(everything.ids, nucleus(everything.weights, reach, topP), drawn);
}

/** The fewest weights, from the first on, that add up to `reach`; all of them where topP is 1. */
function nucleus(weights: Float64Array, reach: number, topP: number): Float64Array {
  if (topP >= 1) return weights;
  let reached = 0;
  let count = 0;
  while (count < weights.length && reached < reach) reached += weights[count++]!;
  return weights.subarray(0, Math.max(count, 1));
}

/** @param drawn in [0, 1) */
function draw(ids: Int32Array, weights: Float64Array, drawn: number): number {
  let left = drawn * sum(weights);
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i]!;
    if (left < 0) return ids[i]!;
  }
  return ids[weights.length - 1]!;
}

/** A token that is not leading. */
function drawOther({ ids, logits, all }: LeadingLogits, temperature: number, drawn: number): number {
  const leading = new Set(ids);
  let left = drawn;
  let last = ids.at(-1)!;
  for (const [id, logit] of all().entries()) {
    if (logit === Number.NEGATIVE_INFINITY || leading.has(id)) continue;
    left -= Math.exp((logit - logits[0]!) / temperature);
    last = id;
    if (left < 0) break;
  }
  return last;
}

/** All tokens that may be chosen, or the most probable of them, by falling weight. */
function sorted(
  logits: Float32Array,
  highest: number,
  temperature: number,
  topK: number,
): { readonly ids: Int32Array; readonly weights: Float64Array } {
  const allowed = Int32Array.from(logits.keys()).filter((id) => logits[id]! > Number.NEGATIVE_INFINITY);
  const ids = allowed.sort((a, b) => logits[b]! - logits[a]! || a - b).subarray(0, topK > 0 ? topK : undefined);
  return { ids, weights: Float64Array.from(ids, (id) => Math.exp((logits[id]! - highest) / temperature)) };
}

function sum(weights: Float64Array): number {
  return weights.reduce((total, weight) => total + weight, 0);
}
