import type { ClassEvaluation, Evaluation } from "../../tune/evaluate/classification-report.ts";
import { MAX_BARRED, renderBarChart } from "./bar-chart.ts";
import { afterStyle, beforeStyle } from "./chart.ts";
import { formatChange, formatCount, formatPoints } from "./format.ts";
import { type Html, html } from "./html.ts";
import { legend } from "./legend.ts";
import { beforeAfter, rowName, scrolling, section } from "./parts.ts";
import type { ReportData } from "./report-data.ts";

/** Per-class F1, precision and recall, before and after; F1 first, for narrow screens show only the first columns. */
export function classesSection({ base, tuned }: NonNullable<ReportData["evaluation"]>): Html {
  const scores = (was: number | undefined, is: number): Html =>
    html`<td class="number">${beforeAfter(was === undefined ? undefined : formatPoints(was), formatPoints(is))}</td>`;
  const change = (was: number | undefined, is: number): Html | undefined =>
    was === undefined ? undefined : html`<td class="number ${directionOf(is - was)}">${formatChange(is - was)}</td>`;
  const row = (is: ClassEvaluation, was: ClassEvaluation | undefined): Html => html`<tr>
${rowName(is.label)}<td class="number">${formatCount(is.support)}</td>
${scores(was?.f1, is.f1)}${change(was?.f1, is.f1)}
${scores(was?.precision, is.precision)}${scores(was?.recall, is.recall)}</tr>`;
  const overall = (name: string, was: number | undefined, is: number): Html => html`<tr>
<th scope="row">${name}</th><td class="number">${formatCount(tuned.rows)}</td>
${scores(was, is)}${change(was, is)}<td></td><td></td></tr>`;
  const heads = ["Rows", "F1", base && "Change", "Precision", "Recall"];
  const table = html`<table>
<caption>In percent${base && ", base model → tuned model"}</caption>
<thead><tr><th scope="col">Class</th>
${heads.map((head) => head && html`<th scope="col" class="number">${head}</th>`)}
</tr></thead>
<tbody>${tuned.perClass.map((scoresOfClass, c) => row(scoresOfClass, base?.perClass[c]))}</tbody>
<tfoot>${overall("Accuracy", base?.accuracy, tuned.accuracy)}${overall("Macro F1", base?.macroF1, tuned.macroF1)}
${overall("Weighted F1", base?.weightedF1, tuned.weightedF1)}</tfoot>
</table>`;
  return section("Class by class", barsOf(base, tuned), scrolling("Scores of each class", table));
}

/** F1 of each class before and after, where there are not too many. */
function barsOf(base: Evaluation | undefined, tuned: Evaluation): Html | false {
  const names = tuned.perClass.map(({ label }) => label);
  if (names.length > MAX_BARRED) return false;
  const f1 = ({ perClass }: Evaluation): number[] => perClass.map((scores) => scores.f1);
  const bars = [...(base ? [{ ...beforeStyle, values: f1(base) }] : []), { ...afterStyle, values: f1(tuned) }];
  const shown = names
    .slice(0, 12)
    .map((name, c) => `${name} ${bars.map(({ values }) => formatPoints(values[c]!)).join(" to ")}`);
  const description = `F1 of each class in percent${base ? ", base to tuned" : ""}: ${shown.join(", ")}${names.length > 12 ? ", …" : ""}.`;
  const chart = (width: number): Html =>
    renderBarChart(names, bars, { description, format: formatPoints, max: 1, width });
  return html`<figure><figcaption>F1 of each class, %</figcaption>
<div class="wide">${chart(760)}</div><div class="narrow">${chart(340)}</div>
${
  base &&
  legend([
    { name: "base", ...beforeStyle },
    { name: "tuned", ...afterStyle },
  ])
}</figure>`;
}

function directionOf(difference: number): string {
  return difference > 0 ? "up" : difference < 0 ? "down" : "";
}
