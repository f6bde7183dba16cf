/** A comparison for the terminal. */
import { createColors } from "picocolors";
import type { Comparison, PairComparison } from "../../tune/evaluate/compare/comparison.ts";
import {
  describePair,
  describeSlices,
  formatDifference,
  formatDifferenceInterval,
  formatMetric,
  formatP,
  metricTitles,
} from "./comparison-words.ts";
import { formatCount } from "./format.ts";
import { plainTable } from "./plain-table.ts";

/** The subjects side by side, with 95 % intervals. @param colored for a terminal; plain text otherwise */
export function renderSubjectTable({ metrics, subjects }: Comparison, colored: boolean): string {
  const colors = createColors(colored);
  const head = [
    "",
    ...metrics.map((metric) => `${metricTitles[metric].title}${metricTitles[metric].share ? " %" : ""}`),
  ];
  const rows = subjects.map(({ name, metrics: values }) => [
    shown(name),
    ...metrics.map((metric) => {
      const { value, interval } = values[metric]!;
      const ends = interval && ` (${interval.map((end) => formatMetric(metric, end)).join(" to ")})`;
      return `${formatMetric(metric, value)}${ends === null ? "" : colors.dim(ends)}`;
    }),
  ]);
  return plainTable(
    head.map((name) => colors.dim(name)),
    rows,
  );
}

/** What a pair's difference amounts to, its metrics, and its slices. @param mostSlices further ones are counted only */
export function renderPair(comparison: Comparison, pair: PairComparison, colored: boolean, mostSlices = 30): string {
  const colors = createColors(colored);
  const verdict = shown(describePair(comparison, pair));
  const others = comparison.metrics.slice(1).map((metric) => {
    const difference = pair.differences[metric]!;
    const interval = formatDifferenceInterval(metric, difference);
    return `${metricTitles[metric].title} ${formatDifference(metric, difference.value)}${interval && ` (${interval})`}`;
  });
  const counts =
    `${formatCount(pair.onlyA)} ${pair.onlyA === 1 ? "row" : "rows"} for ${shown(pair.a)}, ` +
    `${formatCount(pair.onlyB)} for ${shown(pair.b)}, ${formatCount(pair.alike)} alike; ` +
    `answers differ on ${formatCount(pair.disagreements)}`;
  const slices = describeSlices(pair);
  return [
    pair.verdict === "undecided" ? verdict : colors.bold(verdict),
    colors.dim(
      [...(others.length > 0 ? [`${shown(pair.b)} minus ${shown(pair.a)}: ${others.join(", ")}`] : []), counts].join(
        "\n",
      ),
    ),
    ...(slices === undefined ? [] : [shown(slices)]),
    ...(pair.slices.length === 0 ? [] : ["", sliceTable(comparison, pair, colors, mostSlices)]),
  ].join("\n");
}

function sliceTable(
  { metrics }: Comparison,
  { a, b, slices }: PairComparison,
  colors: ReturnType<typeof createColors>,
  most: number,
): string {
  const metric = metrics[0]!;
  const rows = slices
    .slice(0, most)
    .map(({ by, value, rows, scoreA, scoreB, difference, adjusted, verdict, small }) => [
      by,
      shown(value.length > 40 ? `${value.slice(0, 39)}…` : value),
      `${formatCount(rows)}${small ? " (few)" : ""}`,
      formatMetric(metric, scoreA),
      formatMetric(metric, scoreB),
      (verdict === "undecided" ? colors.dim : verdict === "b" ? colors.green : colors.red)(
        formatDifference(metric, difference.value),
      ),
      colors.dim(formatDifferenceInterval(metric, difference)),
      formatP(adjusted),
    ]);
  const head = ["by", "slice", "rows", shown(a), shown(b), "change", "95 % interval", "p (Holm)"];
  const table = plainTable(
    head.map((name) => colors.dim(name)),
    rows,
    2,
  );
  return slices.length > most ? `${table}\n… and ${slices.length - most} more slices (--json has all)` : table;
}

/** Names and values without control characters or line ends: a file must not be able to steer the terminal. */
function shown(text: string): string {
  return text.replace(/\p{Cc}/gu, "\ufffd");
}
