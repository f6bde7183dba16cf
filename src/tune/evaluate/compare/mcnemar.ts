import { chiSquareTail } from "./normal.ts";

/** From this many discordant rows on the chi-square distribution is close enough (statsmodels' and R's advice). */
const EXACT_BELOW = 25;

/** `sign-flip` is `signFlip`; the other two are McNemar's. */
export interface PairTest {
  readonly test: "McNemar exact" | "McNemar chi-square" | "sign-flip exact" | "sign-flip";
  /** Two-sided: how often a difference as large as this would come about if the two were equally good. */
  readonly pValue: number;
}

/**
 * McNemar's test (1947) of whether two classifiers are equally often right on the same rows. Only the discordant rows
 * count: those that one has right and the other wrong. Fewer than 25 are tested exactly, by the binomial distribution;
 * more by chi-square with Edwards' continuity correction (1948), which is 0 where both counts are equal.
 * @param onlyA rows that only A has right
 * @param onlyB rows that only B has right
 */
export function mcnemar(onlyA: number, onlyB: number): PairTest {
  const discordant = onlyA + onlyB;
  if (discordant < EXACT_BELOW) {
    return { test: "McNemar exact", pValue: Math.min(1, 2 * fairCoinTail(Math.min(onlyA, onlyB), discordant)) };
  }
  const excess = Math.max(0, Math.abs(onlyA - onlyB) - 1);
  return { test: "McNemar chi-square", pValue: chiSquareTail(excess ** 2 / discordant) };
}

/** P(at most k heads in n throws). */
function fairCoinTail(k: number, n: number): number {
  let ways = 1;
  let sum = 1;
  for (let heads = 1; heads <= k; heads++) {
    ways *= (n - heads + 1) / heads;
    sum += ways;
  }
  return sum / 2 ** n;
}
