import { thresholdCounts } from "../../curves/threshold-counts.ts";

/**
 * The threshold with the highest recall among those whose precision is at least `hits / alerts`; of equal ones the one with
 * the fewest alerts.
 * @param targets [scores] whether the label is true
 * @param scores any finite numbers
 * @returns undefined where no threshold has that precision, or there is none to reach
 */
export function thresholdAtPrecision(
  targets: ArrayLike<number | boolean>,
  scores: ArrayLike<number>,
  { hits, alerts }: { readonly hits: number; readonly alerts: number },
): number | undefined {
  if (alerts === 0) return undefined;
  const { thresholds, truePositives, falsePositives } = thresholdCounts(targets, scores);
  let best = -1;
  for (let i = 0; i < thresholds.length; i++) {
    const [right, wrong] = [truePositives[i]!, falsePositives[i]!];
    // In whole numbers, so that equal precisions are equal.
    if (right * alerts >= hits * (right + wrong) && right > (truePositives[best] ?? 0)) best = i;
  }
  return best < 0 ? undefined : between(thresholds, best);
}

/**
 * The threshold that as many scores reach as there are alerts, or nearly as many where scores are equal: of two equally near
 * numbers the smaller.
 * @returns undefined for no alerts
 */
export function thresholdAtAlerts(scores: ArrayLike<number>, alerts: number): number | undefined {
  if (alerts === 0) return undefined;
  const falling = Float64Array.from(scores).sort().reverse();
  const last = Math.min(alerts, falling.length) - 1;
  const value = falling[last]!;
  const before = falling.indexOf(value);
  const after = falling.lastIndexOf(value) + 1;
  const reached = alerts - before <= after - alerts && before > 0 ? before : after;
  return between(falling, reached - 1);
}

/** A threshold that falling scores reach up to `i`, and the next one does not. */
function between(falling: Float64Array, i: number): number {
  const next = falling[i + 1];
  if (next === undefined) return falling[i]!;
  const middle = (falling[i]! + next) / 2;
  return middle > next ? middle : falling[i]!;
}
