/** Models beside tools, for the terminal. */
import { createColors } from "picocolors";
import type { AlertPair, OverallFigures, ToolComparison } from "../../tune/evaluate/compare/alerts/alert-comparison.ts";
import type { Estimate } from "../../tune/evaluate/compare/estimate.ts";
import { formatCount, formatPoints } from "./format.ts";
import { plainTable } from "./plain-table.ts";
import {
  describeAtAlerts,
  describeAtPrecision,
  describeCovered,
  describePairOfAlerts,
  describeTool,
  pointsOf,
} from "./tools-words.ts";

type Colors = ReturnType<typeof createColors>;

/** Scores of all, pair by pair what they amount to, then class by class. @param colored for a terminal; plain text otherwise */
export function renderToolComparison(beside: ToolComparison, colored: boolean): string {
  const colors = createColors(colored);
  const { tools, pairs } = beside;
  return [
    colors.dim(tools.map(({ name }) => shown(describeTool(beside, name))).join("\n")),
    subjectTable(beside, colors),
    ...pairs.map((pair) => pairText(beside, pair, colors)),
    classTable(beside, colors),
    togetherTable(beside, colors),
  ].join("\n\n");
}

const SCORES = ["precision", "recall", "f1", "macroF1"] as const;
const HEAD = ["alerts", "accuracy %", "precision", "recall", "micro F1", "macro F1"];

function scoreCells(figures: OverallFigures, colors: Colors): string[] {
  const { alerts, accuracy } = figures;
  return [
    formatCount(alerts),
    `${pointsOf(accuracy)}${colors.dim(endsOf(accuracy))}`,
    ...SCORES.map((name) => pointsOf(figures[name])),
  ];
}

function endsOf({ interval }: Estimate): string {
  return interval === null ? "" : ` (${interval.map(formatPoints).join(" to ")})`;
}

function subjectTable({ subjects }: ToolComparison, colors: Colors): string {
  const rows = subjects.flatMap(({ name, kind, overall, covered, covers }) => [
    [kind === "model" ? colors.bold(shown(name)) : shown(name), ...scoreCells(overall, colors)],
    ...(covered
      ? [
          [
            colors.dim(`  on its ${covers!.length} ${covers!.length === 1 ? "class" : "classes"}`),
            ...scoreCells(covered, colors),
          ],
        ]
      : []),
  ]);
  return table(["", ...HEAD], rows, colors);
}

function pairText(beside: ToolComparison, pair: AlertPair, colors: Colors): string {
  const verdict = shown(describePairOfAlerts(pair));
  const others = [describeCovered(pair, beside), describeAtPrecision(pair), describeAtAlerts(pair)];
  return [
    pair.overall.verdict === "undecided" ? verdict : colors.bold(verdict),
    ...others.flatMap((text) => (text === undefined ? [] : [colors.dim(shown(text))])),
  ].join("\n");
}

/** Marks of a difference from a model that is no accident: the tool is worse, or better. */
const [WORSE, BETTER] = ["−", "+"];

function classTable({ labels, support, subjects, pairs }: ToolComparison, colors: Colors): string {
  const mark = (tool: string, label: string): string => {
    const found = pairs.flatMap((pair) =>
      pair.tool === tool ? pair.perClass.filter((one) => one.label === label) : [],
    );
    if (found.some(({ verdict }) => verdict === "model")) return colors.red(WORSE);
    return found.some(({ verdict }) => verdict === "tool") ? colors.green(BETTER) : " ";
  };
  const rows = labels.map((label, c) => [
    shown(label),
    formatCount(support[c]!),
    ...subjects.map(({ name, kind, covers, perClass }) => {
      const { accuracy, recall } = perClass[c]!;
      const cell = `${pointsOf(accuracy)} / ${pointsOf(recall)}`;
      if (kind === "model") return cell;
      return covers!.includes(label) ? `${cell} ${mark(name, label)}` : colors.dim(`(${cell}) `);
    }),
  ]);
  const note = `accuracy / recall in %; (no rule for it); ${WORSE} and ${BETTER}: right less or more often than a model, p < 0.05 by Holm`;
  return `${table(["class", "files", ...subjects.map(({ name }) => shown(name))], rows, colors)}\n${colors.dim(note)}`;
}

function togetherTable({ together }: ToolComparison, colors: Colors): string {
  const rows = together.map(({ name, overall }) => [shown(name), ...scoreCells(overall, colors)]);
  return table(["together", ...HEAD], rows, colors);
}

/** Without the blanks of cells that are empty. */
function table(head: readonly string[], rows: readonly (readonly string[])[], colors: Colors): string {
  const dimmed = head.map((name) => colors.dim(name));
  return plainTable(dimmed, rows)
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Without control characters: a file must not be able to steer the terminal. */
function shown(text: string): string {
  return text.replace(/\p{Cc}/gu, "\ufffd");
}
