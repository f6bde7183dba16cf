/** What a comparison says, in sentences. */
import type { MetricName } from "../../tune/evaluate/compare/answer-table.ts";
import type { Comparison, PairComparison, SliceComparison } from "../../tune/evaluate/compare/comparison.ts";
import type { Estimate } from "../../tune/evaluate/compare/estimate.ts";
import { formatChange, formatCount, formatFigure, formatPoints } from "./format.ts";

/** Names of metrics for people; shares are written in percent. */
export const metricTitles: Readonly<Record<MetricName, { readonly title: string; readonly share: boolean }>> = {
  accuracy: { title: "accuracy", share: true },
  macroF1: { title: "macro F1", share: true },
  rocAuc: { title: "ROC AUC", share: true },
  logLoss: { title: "log loss", share: false },
  score: { title: "score", share: false },
  exact_match: { title: "exact match", share: true },
  squad_exact_match: { title: "exact match (SQuAD)", share: true },
  token_f1: { title: "token F1", share: true },
  char_f1: { title: "character F1", share: true },
  chrf: { title: "chrF, mean of rows", share: true },
};

/**
 * Whether a difference is real: `b is better than a by 3.2 points of accuracy (95 % interval 1.1 to 5.3; McNemar exact
 * p = 0.004, Holm 0.008): the difference is real at the 5 % level`, or that the rows do not say, and what they could have shown.
 */
export function describePair(comparison: Comparison, pair: PairComparison): string {
  const metric = comparison.metrics[0]!;
  const { a, b, verdict } = pair;
  const difference = pair.differences[metric]!;
  const bLeads = (difference.value ?? 0) >= 0;
  const [better, worse] = bLeads ? [b, a] : [a, b];
  const evidence = describeEvidence(comparison, pair, bLeads ? difference : reversed(difference));
  const lead = describeLead(metric, Math.abs(difference.value ?? 0));
  if (verdict !== "undecided") {
    return `${better} is better than ${worse} by ${lead} (${evidence}): the difference is real at the 5 % level`;
  }
  const seen =
    difference.value === 0
      ? pair.onlyA + pair.onlyB === 0 && comparison.kind !== "score"
        ? "they are right on the same rows"
        : "they are equally good here"
      : `${better} is ahead by ${lead} here`;
  return `${a} and ${b} cannot be told apart with ${describeRows(comparison)}: ${seen} (${evidence}); ${couldBeSeen(metric, pair)}`;
}

export interface ComparisonInWords {
  readonly headline: string;
  /** The pairs that the best one is in. */
  readonly pairs: readonly PairComparison[];
}

/** The whole comparison in a few words: who is best, if that can be said. */
export function describeComparison(comparison: Comparison): ComparisonInWords {
  const metric = comparison.metrics[0]!;
  const scoreOf = (s: number): number => comparison.subjects[s]!.metrics[metric]?.value ?? Number.NEGATIVE_INFINITY;
  const leader = comparison.subjects.reduce((best, _, s) => (scoreOf(s) > scoreOf(best) ? s : best), 0);
  const best = comparison.subjects[leader]!.name;
  const pairs = comparison.pairs.filter(({ a, b }) => a === best || b === best);
  const rivalOf = ({ a, b }: PairComparison): string => (a === best ? b : a);
  const open = pairs.filter(({ verdict }) => verdict === "undecided").map(rivalOf);
  const rivals = pairs.length;
  if (open.length === 0)
    return { headline: `${best} is better than ${rivals === 1 ? rivalOf(pairs[0]!) : "all others"}`, pairs };
  if (rivals === 1) return { headline: `${best} and ${open[0]} cannot be told apart`, pairs };
  return { headline: `${best} leads, but ${open.join(", ")} may be as good`, pairs };
}

/** `500 rows`, `500 rows in 40 groups of author`. */
export function describeRows({ rows, groups }: Pick<Comparison, "rows" | "groups">): string {
  const counted = `${formatCount(rows)} ${rows === 1 ? "row" : "rows"}`;
  if (groups === null) return counted;
  return `${counted} in ${formatCount(groups.count)} ${groups.count === 1 ? "group" : "groups"} of ${groups.by}`;
}

/** The slices on which one of the two is better for sure; undefined where there is none. */
export function describeSlices({ a, b, slices }: PairComparison): string | undefined {
  const named = (winner: "a" | "b"): string[] =>
    slices.filter(({ verdict }) => verdict === winner).map((slice) => `${slice.by} ${sliceName(slice)}`);
  const parts = [
    [b, named("b")],
    [a, named("a")],
  ] as const;
  const told = parts.flatMap(([name, where]) =>
    where.length === 0 ? [] : [`${name} is better on ${where.join("; ")}`],
  );
  return told.length === 0 ? undefined : told.join(", and ");
}

function sliceName({ value, rows }: SliceComparison): string {
  return `${value.length > 40 ? `${value.slice(0, 39)}…` : value} (${formatCount(rows)} rows)`;
}

/** `0.034`, `0.21`, `< 0.0001`. */
export function formatP(p: number): string {
  if (p < 0.0001) return "< 0.0001";
  return p >= 0.995 ? "1" : p.toPrecision(2);
}

/** A metric's value: a share in percent, anything else as a figure; `–` where it is not defined. */
export function formatMetric(metric: MetricName, value: number | null): string {
  if (value === null) return "–";
  return metricTitles[metric].share ? formatPoints(value) : formatFigure(value);
}

/** A metric's difference with its sign, shares in points. */
export function formatDifference(metric: MetricName, value: number | null): string {
  if (value === null) return "–";
  if (metricTitles[metric].share) return formatChange(value);
  return value === 0 ? "0" : `${value < 0 ? "−" : "+"}${formatFigure(Math.abs(value))}`;
}

/** `+1.1 to +5.3`; empty without an interval. */
export function formatDifferenceInterval(metric: MetricName, { interval }: Estimate): string {
  if (interval === null) return "";
  return interval.map((end) => formatDifference(metric, end)).join(" to ");
}

function describeEvidence(
  { pairs, metrics }: Comparison,
  { test, pValue, adjusted }: PairComparison,
  lead: Estimate,
): string {
  const ends = formatDifferenceInterval(metrics[0]!, lead).replaceAll("+", "");
  const interval = ends && `95 % interval ${ends}`;
  const p = formatP(pValue);
  const tested = `${test} p ${p.startsWith("<") ? p : `= ${p}`}`;
  const holm = pairs.length > 1 ? `, Holm ${formatP(adjusted)}` : "";
  return [interval, `${tested}${holm}`].filter((part) => part !== "").join("; ");
}

function describeLead(metric: MetricName, lead: number): string {
  const { title, share } = metricTitles[metric];
  return share ? `${formatPoints(lead)} points of ${title}` : `${formatFigure(lead)} of ${title}`;
}

function couldBeSeen(metric: MetricName, { detectable }: PairComparison): string {
  if (detectable === null) return "so few rows, or so alike, could show no difference";
  return `a difference under ${describeLead(metric, detectable)} would most likely not be seen`;
}

function reversed({ value, interval }: Estimate): Estimate {
  return { value: value === null ? null : -value, interval: interval && [-interval[1], -interval[0]] };
}
