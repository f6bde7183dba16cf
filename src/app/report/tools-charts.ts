/** The pictures of models beside tools: accuracy and recall as bars. */
import type { SubjectFigures, ToolComparison } from "../../tune/evaluate/compare/alerts/alert-comparison.ts";
import { type Bars, MAX_BARRED, renderBarChart } from "./bar-chart.ts";
import { seriesStyle } from "./chart.ts";
import { formatPoints } from "./format.ts";
import { type Html, html } from "./html.ts";
import { legend } from "./legend.ts";

/** More than these beside each other make bars too thin to read. */
const MAX_SUBJECTS = 6;

/** Accuracy and recall of each subject over all classes; undefined where no row has a label. */
export function overallChart({ subjects }: ToolComparison): Html | undefined {
  const names = subjects.map(({ name }) => name);
  const series = (["accuracy", "recall"] as const).map((measure, i) => ({
    ...seriesStyle(i),
    name: measure,
    values: subjects.map(({ overall }) => overall[measure].value ?? 0),
  }));
  if (subjects.some(({ overall }) => overall.recall.value === null)) return undefined;
  return figure("Accuracy and recall over all classes, %", names, series);
}

/** A measure of each class, a bar for each subject; undefined where there are too many of either. */
export function classChart(
  { labels, support, subjects }: ToolComparison,
  measure: "accuracy" | "recall",
): Html | undefined {
  const shown = labels.flatMap((label, c) => (measure === "accuracy" || support[c]! > 0 ? [{ label, c }] : []));
  if (subjects.length > MAX_SUBJECTS || shown.length > MAX_BARRED || shown.length === 0) return undefined;
  const shareOf = ({ perClass }: SubjectFigures, c: number): number => perClass[c]![measure].value ?? 0;
  const series = subjects.map((subject, s) => ({
    ...seriesStyle(s),
    name: subject.name,
    values: shown.map(({ c }) => shareOf(subject, c)),
  }));
  const names = shown.map(({ label }) => label);
  return figure(`${measure === "accuracy" ? "Accuracy" : "Recall"} of each class, %`, names, series);
}

function figure(title: string, names: readonly string[], series: readonly (Bars & { readonly name: string })[]): Html {
  const whose = series.map(({ name }) => name).join(", ");
  const description = `${title}: ${names.join(", ")}; a bar for each of ${whose}. The figures are in the table below.`;
  const chart = (width: number): Html =>
    renderBarChart(names, series, { description, format: formatPoints, max: 1, width });
  return html`<figure><figcaption>${title}</figcaption>
<div class="wide">${chart(760)}</div><div class="narrow">${chart(340)}</div>
${legend(series)}</figure>`;
}
