/** How sure a model is of a row, in [0, 1]: people label first what it is least sure of. */
export const measures = ["margin", "entropy"] as const;
export type Measure = (typeof measures)[number];

/**
 * One label a row (Settles 2009, "Active learning literature survey", section 3.1): `margin` is the difference of the two
 * largest probabilities, `entropy` one minus the entropy in units of its maximum.
 *
 * Several labels a row, each with a probability of its own: `margin` is the distance of the label that is closest to its
 * threshold, in units of the largest distance there can be on its side; `entropy` one minus the mean entropy of the labels
 * in bits.
 *
 * @param thresholds of each label where a row has several; undefined with one label a row
 */
export function certainty(
  probabilities: ArrayLike<number>,
  measure: Measure,
  thresholds: ArrayLike<number> | undefined,
): number {
  const values = Array.from(probabilities);
  if (thresholds !== undefined) {
    if (measure === "entropy") return 1 - values.reduce((sum, p) => sum + bits(p) + bits(1 - p), 0) / values.length;
    return Math.min(...values.map((p, label) => distance(p, thresholds[label]!)));
  }
  if (values.length < 2) return 1;
  if (measure === "entropy") return 1 - values.reduce((sum, p) => sum + bits(p), 0) / Math.log2(values.length);
  const [first, second] = values.toSorted((a, b) => b - a);
  return first! - second!;
}

function bits(p: number): number {
  return p > 0 ? -p * Math.log2(p) : 0;
}

function distance(p: number, threshold: number): number {
  return p >= threshold ? (p - threshold) / (1 - threshold || 1) : (threshold - p) / threshold;
}
