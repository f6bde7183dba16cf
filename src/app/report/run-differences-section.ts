import { type Html, html } from "./html.ts";
import { excerpt, scrolling, section } from "./parts.ts";
import type { ReportData } from "./report-data.ts";
import type { OptionDifference } from "./runs-data.ts";

const LONGEST_VALUE = 80;

/** In what the recipes differ: what came of it is in the sections before. */
export function runDifferencesSection(
  runs: readonly ReportData[],
  differences: readonly OptionDifference[],
): Html | undefined {
  if (differences.length === 0) return undefined;
  const rows = differences.map(
    ({ option, values }) => html`<tr><th scope="row"><code>${option}</code></th>
${values.map((value) => html`<td>${excerpt(value, LONGEST_VALUE)}</td>`)}</tr>`,
  );
  const table = html`<table><thead><tr><th scope="col">Option</th>
${runs.map(({ title }) => html`<th scope="col">${title}</th>`)}</tr></thead><tbody>${rows}</tbody></table>`;
  return section("What they were told differently", scrolling("Options that differ", table));
}
