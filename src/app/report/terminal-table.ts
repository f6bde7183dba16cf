import Table from "cli-table3";
import { createColors } from "picocolors";
import type { ClassEvaluation, Evaluation } from "../../tune/evaluate/classification-report.ts";
import { formatChange, formatCount, formatFigure, formatPoints } from "./format.ts";

/** cli-table3 draws a box by default; aligned columns are easier to read, and `grep` and `awk` can read them too. */
const NO_BORDERS = Object.fromEntries(
  [
    ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"],
    ...["left", "left-mid", "mid", "mid-mid", "right", "right-mid"],
  ].map((part) => [part, ""]),
);

/**
 * Per-class and overall scores, before and after, in percent; without `before` only one side.
 * @param colored for a terminal; plain text otherwise.
 */
export function renderComparisonTable(before: Evaluation | undefined, after: Evaluation, colored: boolean): string {
  const colors = createColors(colored);
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
  const overallRow = (name: string, was: number | undefined, is: number): string[] => [
    colors.bold(name),
    formatCount(after.rows),
    "",
    "",
    ...change(was, is),
  ];
  const head = [
    "class",
    "rows",
    "precision",
    "recall",
    ...(before === undefined ? ["F1 %"] : ["F1 % base", "tuned", "change"]),
  ];
  const table = new Table({
    head: head.map((name) => colors.dim(name)),
    colAligns: head.map((_, column) => (column === 0 ? "left" : "right")),
    chars: { ...NO_BORDERS, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  table.push(
    ...after.perClass.map((scores, c) => classRow(scores, before?.perClass[c])),
    overallRow("accuracy", before?.accuracy, after.accuracy),
    overallRow("macro F1", before?.macroF1, after.macroF1),
  );
  const evaluations = before === undefined ? [after] : [before, after];
  const trail = (figureOf: (evaluation: Evaluation) => string): string => evaluations.map(figureOf).join(" → ");
  const closing = [
    `log loss ${trail(({ logLoss }) => formatFigure(logLoss))}`,
    `outside the labels ${trail(({ outsideMass }) => formatPoints(outsideMass))} %`,
    `${trail(({ examplesPerSecond }) => formatFigure(examplesPerSecond))} rows/s`,
  ];
  return `${table.toString()}\n${colors.dim(closing.join(", "))}`;
}

/** A label without control characters: a data file must not be able to steer the terminal. */
function printable(label: string): string {
  return label.replace(/\p{Cc}/gu, "\ufffd");
}
