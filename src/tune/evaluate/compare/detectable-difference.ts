import { normalQuantile } from "./normal.ts";

/** Two-sided, as all tests here. */
export const SIGNIFICANCE = 0.05;
export const POWER = 0.8;

/** McNemar's exact test of five rows, all in favour of one, has p = 0.0625; of six 0.031. */
const FEWEST = 6;

/**
 * The smallest true difference of two accuracies that McNemar's test would find in 80 of 100 test sets of this size
 * (α = 0.05): the δ at which Connor's sample size (1987, Biometrics 43, 207-211)
 *
 *     n = (z₁₋α⸝₂ √ψ + z₁₋β √(ψ - δ²))² / δ²
 *
 * is the number of rows. Classifiers that differ by δ disagree on δ of the rows at least, so ψ is the larger of δ and
 * the discordance that was seen.
 * @param rows of the test set
 * @param discordance share of rows that exactly one of the two has right
 * @returns a share; undefined where no difference could be found, so few are the rows
 */
export function detectableDifference(rows: number, discordance: number): number | undefined {
  const significant = normalQuantile(1 - SIGNIFICANCE / 2);
  const powerful = normalQuantile(POWER);
  const needed = (difference: number): number => {
    const psi = Math.max(difference, discordance);
    return ((significant * Math.sqrt(psi) + powerful * Math.sqrt(psi - difference ** 2)) / difference) ** 2;
  };
  if (rows < FEWEST) return undefined;
  let low = 0;
  let high = 1;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (needed(middle) > rows) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * The same of a mean of paired differences with a known standard error: (z₁₋α⸝₂ + z₁₋β) · SE (Bloom 1995, Evaluation
 * Review 19, 547-556). For scores that are no right or wrong, and rows that come in groups.
 */
export function detectableMeanDifference(standardError: number): number | undefined {
  // No spread, or nothing to tell it from.
  if (!(standardError > 0)) return undefined;
  return (normalQuantile(1 - SIGNIFICANCE / 2) + normalQuantile(POWER)) * standardError;
}
