import { MAX_BARRED, renderBarChart } from "./bar-chart.ts";
import { seriesStyle } from "./chart.ts";
import { formatPoints } from "./format.ts";
import { type Html, html } from "./html.ts";
import { legend } from "./legend.ts";
import { rowName, scrolling, section } from "./parts.ts";
import type { ReportData } from "./report-data.ts";

/** More runs than this beside each other make bars too thin to read. */
const MAX_RUNS_BARRED = 6;

/** F1 of each class, run by run, of runs that were scored on the same classes. */
export function runClassesSection(runs: readonly ReportData[]): Html | undefined {
  const scored = runs.flatMap(({ title, evaluation }) =>
    evaluation ? [{ title, perClass: evaluation.tuned.perClass }] : [],
  );
  const names = scored[0]?.perClass.map(({ label }) => label) ?? [];
  const same = scored.filter(({ perClass }) => perClass.map(({ label }) => label).join("\0") === names.join("\0"));
  if (same.length < 2) return undefined;
  const f1 = same.map(({ perClass }) => perClass.map((scores) => scores.f1));
  const rows = names.map(
    (name, c) => html`<tr>${rowName(name)}
${f1.map((values) => html`<td class="number">${formatPoints(values[c]!)}</td>`)}</tr>`,
  );
  const table = html`<table><thead><tr><th scope="col">Class</th>
${same.map(({ title }) => html`<th scope="col" class="number">${title}</th>`)}</tr></thead><tbody>${rows}</tbody></table>`;
  const left = runs.length - same.length;
  return section(
    "Class by class",
    same.length <= MAX_RUNS_BARRED && names.length <= MAX_BARRED && bars(same, names, f1),
    scrolling("F1 of each class", table),
    left > 0 && html`<p class="quiet">${left} runs were not scored, or on other classes.</p>`,
  );
}

function bars(
  runs: readonly { readonly title: string }[],
  names: readonly string[],
  f1: readonly (readonly number[])[],
): Html {
  const lines = f1.map((values, run) => ({ ...seriesStyle(run), values }));
  const description = `F1 of each class in percent, a bar for each of ${runs.map(({ title }) => title).join(", ")}. The figures are in the table below.`;
  const chart = (width: number): Html =>
    renderBarChart(names, lines, { description, format: formatPoints, max: 1, width });
  return html`<figure><figcaption>F1 of each class, %</figcaption>
<div class="wide">${chart(760)}</div><div class="narrow">${chart(340)}</div>
${legend(runs.map(({ title }, run) => ({ name: title, ...seriesStyle(run) })))}</figure>`;
}
