/** How probabilities are made of what a model says about labels, and labels chosen by them. */

export interface Decision {
  readonly multiLabel: boolean;
  /** Logits, or log-probabilities of answers, are divided by it; 1 leaves them. */
  readonly temperature: number;
  /** [labels] with several labels a row, the least probability of each. */
  readonly thresholds: readonly number[];
  /** Of two labels, where rows have one each: the one that thresholds and scores are about. */
  readonly positive: number | undefined;
  /** The least probability of the positive label; undefined: the most probable label is given. */
  readonly threshold: number | undefined;
  /** [true label][label given] with one label a row: the label with the least expected cost is given. */
  readonly costs: readonly (readonly number[])[] | undefined;
}

/** Of a label until another is chosen on validation rows. */
export const DEFAULT_THRESHOLD = 0.5;

/**
 * The most probable label is given, or every label from one half on.
 * @param positive index of the positive one of two labels; default: the second
 */
export function plainDecision(labels: number, multiLabel: boolean, positive = 1): Decision {
  return {
    multiLabel,
    temperature: 1,
    thresholds: new Array<number>(labels).fill(DEFAULT_THRESHOLD),
    positive: multiLabel || labels !== 2 ? undefined : positive,
    threshold: undefined,
    costs: undefined,
  };
}

/**
 * Softmax, or with several labels a row the sigmoid of each.
 * @param logits [labels] logits, or log-probabilities of answers that exclude each other
 */
export function probabilitiesOf(logits: ArrayLike<number>, { multiLabel, temperature }: Decision): Float64Array {
  const scaled = Float64Array.from(logits, (logit) => logit / temperature);
  if (multiLabel) return scaled.map((logit) => 1 / (1 + Math.exp(-logit)));
  const largest = scaled.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  const weights = scaled.map((logit) => Math.exp(logit - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

export interface Decided {
  /** Index of the label given; with several labels a row the most probable one, the first of equals. */
  readonly predicted: number;
  /** With several labels a row: those that reach their threshold. */
  readonly chosen: readonly number[] | undefined;
}

/** @param probabilities [labels] */
export function decide(probabilities: Float64Array, decision: Decision): Decided {
  const { multiLabel, thresholds, positive, threshold, costs } = decision;
  if (multiLabel) {
    const chosen = [...probabilities.keys()].filter((c) => probabilities[c]! >= thresholds[c]!);
    return { predicted: mostProbable(probabilities), chosen };
  }
  if (costs !== undefined) return { predicted: cheapest(probabilities, costs), chosen: undefined };
  if (positive !== undefined && threshold !== undefined) {
    return { predicted: probabilities[positive]! >= threshold ? positive : 1 - positive, chosen: undefined };
  }
  return { predicted: mostProbable(probabilities), chosen: undefined };
}

/** The first of equals. */
export function mostProbable(probabilities: Float64Array): number {
  return probabilities.reduce((best, value, i) => (value > probabilities[best]! ? i : best), 0);
}

/** The label with the least expected cost Σ_t p_t cost(t, label), the first of equals. */
function cheapest(probabilities: Float64Array, costs: readonly (readonly number[])[]): number {
  let best = 0;
  let least = Infinity;
  for (let given = 0; given < probabilities.length; given++) {
    const cost = probabilities.reduce((sum, probability, truth) => sum + probability * costs[truth]![given]!, 0);
    if (cost < least) [best, least] = [given, cost];
  }
  return best;
}
