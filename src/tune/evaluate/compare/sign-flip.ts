import { Random } from "../../../base/random.ts";
import type { PairTest } from "./mcnemar.ts";

/** 2^16 ways to flip are tried one by one; beyond, this many are drawn. */
const EXACT_UP_TO = 16;
const DRAWS = 20_000;

/**
 * Permutation test of paired differences (Fisher 1935): were the two alike, each difference could as well have had the
 * other sign. The p-value is the share of sign patterns whose sum is at least as far from 0; with many differences
 * of drawn patterns, the one seen counted among them (Phipson and Smyth 2010). Differences of groups of rows
 * are summed before, so that rows of a group go together.
 */
export function signFlip(differences: Float64Array, seed = 0): PairTest {
  const moving = differences.filter((difference) => difference !== 0);
  const observed = Math.abs(moving.reduce((sum, difference) => sum + difference, 0));
  // Sums of the same numbers in another order differ by rounding.
  const least = observed * (1 - 1e-9);
  if (moving.length <= EXACT_UP_TO) {
    const patterns = 2 ** moving.length;
    let asFar = 0;
    for (let pattern = 0; pattern < patterns; pattern++) {
      const sum = flippedSum(moving, (i) => (pattern >>> i) & 1);
      if (Math.abs(sum) >= least) asFar++;
    }
    return { test: "sign-flip exact", pValue: asFar / patterns };
  }
  const random = new Random(seed, "sign-flip");
  let asFar = 1;
  for (let draw = 1; draw < DRAWS; draw++) {
    let bits = 0;
    const sum = flippedSum(moving, (i) => {
      bits = i % 32 === 0 ? random.uint32() : bits >>> 1;
      return bits & 1;
    });
    if (Math.abs(sum) >= least) asFar++;
  }
  return { test: "sign-flip", pValue: asFar / DRAWS };
}

function flippedSum(values: Float64Array, isFlipped: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += isFlipped(i) === 1 ? -values[i]! : values[i]!;
  return sum;
}
