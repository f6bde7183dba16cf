import type { ThresholdOptions } from "../../../base/recipe/recipe.ts";
import { type ThresholdCounts, thresholdCounts } from "../curves/threshold-counts.ts";

export interface ChosenThreshold {
  readonly threshold: number;
  /** Why it is not what was asked for. */
  readonly limit: string | undefined;
}

type Rule = Pick<ThresholdOptions, "choose" | "min_precision" | "false_positive" | "false_negative">;

/** No probability reaches it. */
const NEVER = 1 + Number.EPSILON;

/**
 * From which probability on a label is given, chosen by trying every probability that occurs. A threshold lies in the middle
 * between two of them, so that no row lies on it; of equally good ones `usual` is taken, or the one nearest to it.
 *
 * - `f1`: F1 is highest
 * - `recall_at_precision`: recall is highest where precision is at least `min_precision`; where it never is, precision is
 *   highest, and that is told
 * - `cost`: `false_positive` times false positives plus `false_negative` times false negatives is lowest
 * @param targets [rows] whether the label is true
 * @param probabilities [rows] of the label
 * @param usual what is taken where there is nothing to choose by
 */
export function chooseThreshold(
  targets: ArrayLike<number | boolean>,
  probabilities: ArrayLike<number>,
  rule: Rule,
  usual: number,
): ChosenThreshold {
  const counts = thresholdCounts(targets, probabilities);
  const { positives, negatives } = counts;
  if (rule.choose !== "cost" && positives === 0) {
    return { threshold: usual, limit: `${usual} is kept: no row has the label` };
  }
  if (positives + negatives === 0) return { threshold: usual, limit: `${usual} is kept: there are no rows` };
  const worth = worthOf(rule, counts);
  const worthAt = (i: number): number => worth(counts.truePositives[i] ?? 0, counts.falsePositives[i] ?? 0);
  let best = usual;
  let most = -Infinity;
  for (let i = -1; i < counts.thresholds.length; i++) {
    const threshold = between(counts.thresholds, i);
    const value = worthAt(i);
    if (value > most || (value === most && Math.abs(threshold - usual) < Math.abs(best - usual))) {
      [best, most] = [threshold, value];
    }
  }
  if (worthAt(lastReaching(counts.thresholds, usual)) === most) best = usual;
  const reached = rule.choose !== "recall_at_precision" || most >= 1;
  const precision = `${(100 * most).toFixed(1)} %`;
  const limit = `no threshold has a precision of ${rule.min_precision}, the highest is ${precision}`;
  return { threshold: best, limit: reached ? undefined : limit };
}

/** What is to be highest, by true and false positives. */
function worthOf(rule: Rule, { positives }: ThresholdCounts): (hits: number, false_: number) => number {
  if (rule.choose === "f1") return (hits, wrong) => (2 * hits) / (hits + wrong + positives);
  if (rule.choose === "cost") {
    return (hits, wrong) => 0 - rule.false_positive * wrong - rule.false_negative * (positives - hits);
  }
  return (hits, wrong) => {
    const precision = hits + wrong === 0 ? 0 : hits / (hits + wrong);
    // One and more: good enough, ranked by recall; below one: not good enough, ranked by precision.
    return hits > 0 && precision >= rule.min_precision ? 1 + hits / positives : precision;
  };
}

/** A threshold that the scores up to `i`, in falling order, reach and the next does not. */
function between(falling: Float64Array, i: number): number {
  if (i < 0) return (falling[0]! + 1) / 2 > falling[0]! ? (falling[0]! + 1) / 2 : NEVER;
  const next = falling[i + 1] ?? 0;
  const middle = (falling[i]! + next) / 2;
  return middle > next ? middle : falling[i]!;
}

/** Index of the last of falling scores that reaches `threshold`; -1: none does. */
function lastReaching(falling: Float64Array, threshold: number): number {
  let i = -1;
  while (i + 1 < falling.length && falling[i + 1]! >= threshold) i++;
  return i;
}
