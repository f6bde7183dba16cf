import type { Evaluation } from "../../tune/evaluate/classification-report.ts";
import { formatCount, formatFigure, formatInterval, formatPercent } from "./format.ts";
import type { ReportData } from "./report-data.ts";

/** The result of a run in one line of plain text. */
export function describeAnswer({ evaluation, history }: Pick<ReportData, "evaluation" | "history">): string {
  if (evaluation !== undefined) return describeAccuracy(evaluation.base, evaluation.tuned);
  const [name, points] =
    history.validation.length > 0 ? ["validation loss", history.validation] : ["training loss", history.training];
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return "no step was trained";
  return `${name} ${formatFigure(first.loss)} → ${formatFigure(last.loss)} after ${formatCount(last.step)} steps`;
}

/** `accuracy 27.0 % → 86.4 % on 500 rows, 95 % interval 83.2 to 89.4 %`. */
export function describeAccuracy(base: Evaluation | undefined, tuned: Evaluation): string {
  const before = base === undefined ? "" : `${formatPercent(base.accuracy)} → `;
  const interval = formatInterval(tuned.accuracyInterval);
  return (
    `accuracy ${before}${formatPercent(tuned.accuracy)} on ${formatCount(tuned.rows)} rows, ` +
    `95 % interval ${interval}`
  );
}
