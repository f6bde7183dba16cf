import { createColors } from "picocolors";
import type { ClassEvaluation, Evaluation } from "../../tune/evaluate/classification-report.ts";
import type { Metric, MetricValue } from "../../tune/evaluate/metric.ts";
import { metrics } from "../../tune/evaluate/metrics.ts";
import { formatChange, formatCount, formatFigure, formatInterval, formatPercent, formatPoints } from "./format.ts";
import { plainTable } from "./plain-table.ts";

type Colors = ReturnType<typeof createColors>;

/**
 * The metrics that decide, then scores of each class, before and after; without `before` only one side.
 * @param colored for a terminal; plain text otherwise.
 */
export function renderComparisonTable(before: Evaluation | undefined, after: Evaluation, colored: boolean): string {
  const colors = createColors(colored);
  const evaluations = before === undefined ? [after] : [before, after];
  const trail = (figureOf: (evaluation: Evaluation) => string): string => evaluations.map(figureOf).join(" → ");
  const closing = [
    `${formatCount(after.rows)} rows`,
    `outside the labels ${trail(({ outsideMass }) => formatPoints(outsideMass))} %`,
    `${trail(({ examplesPerSecond }) => formatFigure(examplesPerSecond))} rows/s`,
  ];
  const tables = [metricsTable(before, after, colors), classesTable(before, after, colors)];
  return `${tables.join("\n\n")}\n\n${colors.dim(closing.join(", "))}`;
}

const INTERVAL = "95 % interval";

function metricsTable(before: Evaluation | undefined, after: Evaluation, colors: Colors): string {
  const head = [
    "metric",
    ...(before === undefined ? ["value", INTERVAL] : ["base", "tuned", "change", `tuned, ${INTERVAL}`]),
  ];
  const rows: string[][] = [];
  for (const metric of metrics) {
    const is = after.metrics?.[metric.name];
    if (!metric.main || is === undefined) continue;
    const was = before?.metrics?.[metric.name];
    const about = metric.only === "two labels" ? ` of ${printable(after.positive!)}` : "";
    const remark = is.interval ? intervalOf(metric, is.interval) : is.undefined ? `undefined: ${is.undefined}` : "";
    const sides = before === undefined ? [] : [colors.dim(shown(metric, was))];
    const change = before === undefined ? [] : [changeOf(metric, was, is, colors)];
    rows.push([
      colors.bold(`${metric.title}${about}`),
      ...sides,
      shown(metric, is),
      ...change,
      remark && colors.dim(remark),
    ]);
  }
  return trimmed(head, rows, colors);
}

function classesTable(before: Evaluation | undefined, after: Evaluation, colors: Colors): string {
  const change = (was: number | undefined, is: number): string[] => {
    if (was === undefined) return [formatPoints(is)];
    const paint = is > was ? colors.green : is < was ? colors.red : colors.dim;
    return [colors.dim(formatPoints(was)), formatPoints(is), paint(formatChange(is - was))];
  };
  const classRow = (scores: ClassEvaluation, was: ClassEvaluation | undefined): string[] => [
    printable(scores.label),
    formatCount(scores.support),
    formatPoints(scores.precision),
    formatPoints(scores.recall),
    ...change(was?.f1, scores.f1),
  ];
  const sides = before === undefined ? ["F1 %"] : ["F1 % base", "tuned", "change"];
  const rows = after.perClass.map((scores, c) => classRow(scores, before?.perClass[c]));
  return trimmed(["class", "rows", "precision", "recall", ...sides], rows, colors);
}

/** Without the blanks of cells that are empty. */
function trimmed(head: readonly string[], rows: readonly (readonly string[])[], colors: Colors): string {
  const dimmed = head.map((name) => colors.dim(name));
  return plainTable(dimmed, rows)
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

function shown({ unit }: Metric, measured: MetricValue | undefined): string {
  const value = measured?.value ?? undefined;
  if (value === undefined) return "–";
  return unit === "plain" ? signed(value) : formatPercent(value);
}

function intervalOf({ unit }: Metric, [low, high]: readonly [number, number]): string {
  return unit === "plain" ? `${signed(low)} to ${signed(high)}` : formatInterval([low, high]);
}

function changeOf(metric: Metric, was: MetricValue | undefined, is: MetricValue, colors: Colors): string {
  if (typeof was?.value !== "number" || typeof is.value !== "number") return "";
  const difference = is.value - was.value;
  const gain = metric.lowerIsBetter ? -difference : difference;
  const paint = gain > 0 ? colors.green : gain < 0 ? colors.red : colors.dim;
  if (metric.unit !== "plain") return paint(formatChange(difference));
  return paint(`${difference > 0 ? "+" : ""}${signed(difference)}`);
}

/** With a minus as wide as a plus. */
function signed(value: number): string {
  return formatFigure(value).replace("-", "−");
}

/** A label without control characters: a data file must not be able to steer the terminal. */
function printable(label: string): string {
  return label.replace(/\p{Cc}/gu, "\ufffd");
}
