import type { PreparationStep } from "../../tune/data/prepare/preparation.ts";
import type { Lengths } from "../../tune/data/stats/lengths.ts";
import { MAX_BARRED, renderBarChart } from "./bar-chart.ts";
import { afterStyle, beforeStyle } from "./chart.ts";
import { formatCount } from "./format.ts";
import { renderHistogramChart } from "./histogram-chart.ts";
import { type Html, html } from "./html.ts";
import { legend } from "./legend.ts";
import { beforeAfter, excerpt, scrolling, section } from "./parts.ts";
import type { ReportData } from "./report-data.ts";

/** What the model learnt from: how long the examples are, what was done to the rows, and the labels' shares. */
export function dataSection({ trainingData }: ReportData): Html | undefined {
  const { lengths, preparation } = trainingData;
  if (lengths === undefined && preparation.length === 0) return undefined;
  const balanced = preparation.findLast(({ labels }) => labels !== undefined);
  return section(
    "Training data",
    lengths && lengthFigure(lengths, trainingData.maxLength),
    balanced && labelFigure(balanced),
    preparation.length > 0 && preparationTable(preparation),
  );
}

function lengthFigure(lengths: Lengths, limit: number | undefined): Html {
  const { percentiles, histogram, rows, mean } = lengths;
  const at = (name: keyof Lengths["percentiles"]): string => formatCount(percentiles[name]);
  const description =
    `Histogram of the lengths of ${formatCount(rows)} training examples in tokens: shortest ${at("p0")}, ` +
    `half of them up to ${at("p50")}, 95 in 100 up to ${at("p95")}, longest ${at("p100")}.`;
  const chart = (width: number): Html =>
    renderHistogramChart(histogram, { description, xName: "tokens", limit, width });
  const facts: readonly (readonly [string, string])[] = [
    ["Shortest", at("p0")],
    ["Median", at("p50")],
    ["Mean", formatCount(mean)],
    ["95th percentile", at("p95")],
    ["Longest", at("p100")],
  ];
  const folded = percentiles.p100 >= histogram.width * histogram.counts.length;
  return html`<figure><figcaption>Tokens an example${folded && "; the last bar holds all longer ones too"}</figcaption>
<div class="wide">${chart(760)}</div><div class="narrow">${chart(340)}</div></figure>
<table class="compact"><thead><tr>${facts.map(([name]) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
<tbody><tr>${facts.map(([, value]) => html`<td class="number">${value}</td>`)}</tr></tbody></table>`;
}

function labelFigure({ step, labels = [] }: PreparationStep): Html {
  const total = (side: "before" | "after"): string => formatCount(labels.reduce((sum, row) => sum + row[side], 0));
  const description = `Rows of each label before and after the step ${step}: ${total("before")} rows became ${total("after")}.`;
  const bars = [
    { ...beforeStyle, values: labels.map(({ before }) => before) },
    { ...afterStyle, values: labels.map(({ after }) => after) },
  ];
  const names = labels.map(({ label }) => label);
  const picture = labels.length <= MAX_BARRED && [
    html`<div class="wide">${renderBarChart(names, bars, { description, format: formatCount, width: 760 })}</div>`,
    html`<div class="narrow">${renderBarChart(names, bars, { description, format: formatCount, width: 340 })}</div>`,
    legend([
      { name: "before", ...beforeStyle },
      { name: "after", ...afterStyle },
    ]),
  ];
  const rows = labels.map(
    ({ label, before, after }) => html`<tr><th scope="row">${label}</th>
<td class="number">${beforeAfter(formatCount(before), formatCount(after))}</td></tr>`,
  );
  return html`<figure><figcaption>Rows of each label, before and after: ${step}</figcaption>${picture}</figure>
<details><summary>Rows of each label in figures</summary>${scrolling(
    "Rows of each label",
    html`<table><tbody>${rows}</tbody></table>`,
  )}</details>`;
}

/** Characters of a step's words that are shown. */
const LONGEST_DETAIL = 300;

/** Steps that did something; what was only looked for is folded away. */
function preparationTable(steps: readonly PreparationStep[]): Html {
  const acted = steps.filter(
    ({ in: before, out, changed, labels }) => before !== out || changed > 0 || labels !== undefined,
  );
  const others = steps.filter((step) => !acted.includes(step));
  return html`${acted.length > 0 && stepTable("What was done to the rows", acted)}
${
  others.length > 0 &&
  html`<details><summary>What was looked for, and changed nothing</summary>${stepTable("Checks", others)}</details>`
}`;
}

function stepTable(title: string, steps: readonly PreparationStep[]): Html {
  const row = ({ step, set, in: before, out, detail }: PreparationStep): Html => html`<tr>
<th scope="row">${step}</th><td>${set}</td>
<td class="number">${before === out ? formatCount(out) : beforeAfter(formatCount(before), formatCount(out))}</td>
<td>${excerpt(detail, LONGEST_DETAIL)}</td></tr>`;
  return scrolling(
    title,
    html`<table><caption>${title}</caption><thead><tr><th scope="col">Step</th><th scope="col">Set</th>
<th scope="col" class="number">Rows</th><th scope="col">Found</th></tr></thead><tbody>${steps.map(row)}</tbody></table>`,
  );
}
