import { createColors } from "picocolors";
import type { TextEvaluation } from "../../tune/evaluate/text/text-evaluator.ts";
import { textMetrics } from "../../tune/evaluate/text/text-metrics.ts";
import { formatChange, formatCount, formatFigure, formatInterval, formatPercent } from "./format.ts";
import { plainTable } from "./plain-table.ts";

/**
 * How well answers are written, before and after; without `before` only one side.
 * @param colored for a terminal; plain text otherwise.
 */
export function renderAnswersTable(
  before: TextEvaluation | undefined,
  after: TextEvaluation,
  colored: boolean,
): string {
  const colors = createColors(colored);
  const rows = textMetrics.map(({ name, title }) => {
    const { value, interval } = after.metrics[name]!;
    const was = before?.metrics[name]?.value;
    const gain = was === undefined ? 0 : value - was;
    const paint = gain > 0 ? colors.green : gain < 0 ? colors.red : colors.dim;
    const sides = was === undefined ? [formatPercent(value)] : [colors.dim(formatPercent(was)), formatPercent(value)];
    const change = was === undefined ? [] : [paint(formatChange(gain))];
    return [colors.bold(title), ...sides, ...change, colors.dim(formatInterval(interval))];
  });
  const one = ["value", "95 % interval"];
  const sides = before === undefined ? one : ["base", "tuned", "change", "tuned, 95 % interval"];
  const head = ["metric", ...sides].map((name) => colors.dim(name));
  const table = plainTable(head, rows);
  const closing = `${formatCount(after.rows)} rows, ${formatFigure(after.examplesPerSecond)} rows/s`;
  return `${table}\n\n${colors.dim(closing)}`;
}
