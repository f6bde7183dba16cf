import type { Clusters } from "./clusters.ts";
import type { PairComparison, Verdict } from "./comparison.ts";
import { detectableDifference, detectableMeanDifference, SIGNIFICANCE } from "./detectable-difference.ts";
import type { Estimate } from "./estimate.ts";
import { mcnemar, type PairTest } from "./mcnemar.ts";
import { signFlip } from "./sign-flip.ts";

/** What two subjects earned on the same rows. */
export interface PairedScores {
  /** [rows] */
  readonly a: Float64Array;
  /** [rows] */
  readonly b: Float64Array;
  /** Whether all are 0 or 1. */
  readonly binary: boolean;
  readonly clusters: Clusters;
}

/**
 * Tests whether B's mean score differs from A's. Right and wrong on rows that stand alone: McNemar's test; otherwise signs
 * of the differences, summed over each group, are flipped.
 */
export function testPair({ a, b, binary, clusters }: PairedScores, seed: number): PairTest {
  if (binary && !clusters.grouped) return mcnemar(countHigher(a, b), countHigher(b, a));
  return signFlip(clusters.sums(differencesOf(a, b)), seed);
}

type Findings = Pick<PairComparison, "onlyA" | "onlyB" | "alike" | "test" | "pValue" | "detectable">;

/** Counts, test and the smallest difference that could have been seen. */
export function comparePair(scores: PairedScores, seed: number): Findings {
  const { a, b, binary, clusters } = scores;
  const onlyA = countHigher(a, b);
  const onlyB = countHigher(b, a);
  const detectable =
    binary && !clusters.grouped
      ? detectableDifference(a.length, (onlyA + onlyB) / a.length)
      : detectableMeanDifference(standardError(scores));
  return {
    onlyA,
    onlyB,
    alike: a.length - onlyA - onlyB,
    ...testPair(scores, seed),
    detectable: detectable ?? null,
  };
}

/** A difference is called real when the test, corrected for the number of tests, and the interval both say so. */
export function verdictOf(adjusted: number, { value, interval }: Estimate): Verdict {
  if (value === null || interval === null || adjusted >= SIGNIFICANCE) return "undecided";
  if (value > 0 && interval[0] > 0) return "b";
  return value < 0 && interval[1] < 0 ? "a" : "undecided";
}

/** [rows] B minus A. */
export function differencesOf(a: Float64Array, b: Float64Array): Float64Array {
  return b.map((score, row) => score - a[row]!);
}

/** Rows on which the first scores higher. */
function countHigher(first: Float64Array, second: Float64Array): number {
  return first.reduce((count, score, row) => count + (score > second[row]! ? 1 : 0), 0);
}

/**
 * Standard error of the mean difference where rows of a cluster go together: residuals are summed over each cluster
 * (Liang and Zeger 1986), with c / (c - 1) for c clusters.
 */
function standardError({ a, b, clusters }: PairedScores): number {
  const differences = differencesOf(a, b);
  const mean = differences.reduce((sum, difference) => sum + difference, 0) / differences.length;
  const residuals = clusters.sums(differences.map((difference) => difference - mean));
  const squares = residuals.reduce((sum, residual) => sum + residual ** 2, 0);
  return Math.sqrt((squares * clusters.count) / (clusters.count - 1)) / differences.length;
}
