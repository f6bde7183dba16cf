/** What a classifier says to a row, whoever answers: the model in its own words or a class head. */

export interface AskedRow {
  /** Index in the set. */
  readonly index: number;
  /** Index of the true label, where it is known. */
  readonly target: number | undefined;
  /** Indices of the true labels, where a row has several and they are known. */
  readonly targets?: readonly number[] | undefined;
  /** What is asked about. */
  readonly text: string;
}

export interface Prediction {
  readonly row: AskedRow;
  /** [labels] with one label a row they sum to one; with several, each stands for itself. */
  readonly probabilities: Float64Array;
  /** Probability that the model gives to everything that is no label. */
  readonly outside: number;
  /** Index of the most probable label, the first of equals. */
  readonly predicted: number;
  /** With several labels a row: those that reach their threshold. */
  readonly chosen?: readonly number[] | undefined;
}

/** How probabilities are made and labels chosen. */
export interface Decision {
  readonly multiLabel: boolean;
  /** [labels] with several labels a row, the least probability of each. */
  readonly thresholds: readonly number[];
  /** Logits are divided by it; 1 leaves them. */
  readonly temperature: number;
}

export function chosenLabels(probabilities: Float64Array, thresholds: readonly number[]): number[] {
  return [...probabilities.keys()].filter((c) => probabilities[c]! >= thresholds[c]!);
}

export function mostProbable(probabilities: Float64Array): number {
  return probabilities.reduce((best, value, i) => (value > probabilities[best]! ? i : best), 0);
}

/** Softmax, or with several labels a row the sigmoid of each. */
export function probabilitiesOf(logits: Float32Array, { multiLabel, temperature }: Decision): Float64Array {
  const scaled = Float64Array.from(logits, (logit) => logit / temperature);
  if (multiLabel) return scaled.map((logit) => 1 / (1 + Math.exp(-logit)));
  const largest = scaled.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  const weights = scaled.map((logit) => Math.exp(logit - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
