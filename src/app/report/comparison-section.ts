import type { MetricName } from "../../tune/evaluate/compare/answer-table.ts";
import type { Comparison, PairComparison, SliceComparison } from "../../tune/evaluate/compare/comparison.ts";
import {
  describePair,
  describeRows,
  describeSlices,
  formatDifference,
  formatDifferenceInterval,
  formatMetric,
  formatP,
  metricTitles,
} from "./comparison-words.ts";
import { formatCount } from "./format.ts";
import { type Html, html } from "./html.ts";
import { excerpt, rowName, scrolling, section } from "./parts.ts";

/** Pairs whose slices stand open; of more, they are folded away. */
const OPEN_PAIRS = 1;
const LONGEST_VALUE = 60;

/**
 * Who is better on the same rows, pair by pair, and on which parts of them.
 * @param told pairs whose verdict the page has said already
 */
export function comparisonSection(comparison: Comparison, told: readonly PairComparison[] = []): Html {
  const { pairs, groups } = comparison;
  return section(
    "On the same rows",
    html`<p>${describeRows(comparison)}. Intervals are of 95&nbsp;%, by ${formatCount(comparison.resamples)} bootstrap draws${
      groups === null ? "" : " of whole groups"
    }; p-values are corrected by Holm's method.</p>`,
    subjectTable(comparison),
    pairTable(comparison),
    pairs.map(
      (pair) =>
        html`${!told.includes(pair) && html`<p>${describePair(comparison, pair)}.</p>`}${slices(comparison, pair)}`,
    ),
  );
}

function titleOf(metric: MetricName): string {
  const { title, share } = metricTitles[metric];
  return `${title.slice(0, 1).toUpperCase()}${title.slice(1)}${share ? ", %" : ""}`;
}

function subjectTable({ metrics, subjects }: Comparison): Html {
  const rows = subjects.map(({ name, metrics: values }) => {
    const cells = metrics.map((metric) => {
      const { value, interval } = values[metric] ?? { value: null, interval: null };
      const ends = interval?.map((end) => formatMetric(metric, end)).join(" to ");
      return html`<td class="number">${formatMetric(metric, value)}${ends !== undefined && html`<span class="interval">${ends}</span>`}</td>`;
    });
    return html`<tr>${rowName(name)}${cells}</tr>`;
  });
  return scrolling(
    "Each by itself",
    html`<table><thead><tr><th scope="col"></th>
${metrics.map((metric) => html`<th scope="col" class="number">${titleOf(metric)}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table>`,
  );
}

function pairTable({ metrics, pairs }: Comparison): Html {
  const rows = pairs.map((pair) => {
    const cells = metrics.map((metric) => {
      const difference = pair.differences[metric] ?? { value: null, interval: null };
      return html`<td class="number">${formatDifference(metric, difference.value)}
<span class="interval">${formatDifferenceInterval(metric, difference)}</span></td>`;
    });
    return html`<tr>${rowName(`${pair.b}${pair.a}`, html`${pair.b} <span class="quiet">minus</span> ${pair.a}`)}${cells}
<td class="number">${formatCount(pair.onlyB)} : ${formatCount(pair.onlyA)}</td>
<td class="number">${formatP(pair.adjusted)}</td></tr>`;
  });
  return scrolling(
    "Differences",
    html`<table><caption>Differences; rows for the one and for the other; p of ${metricTitles[metrics[0]!].title}</caption>
<thead><tr><th scope="col"></th>
${metrics.map((metric) => html`<th scope="col" class="number">${titleOf(metric)}</th>`)}
<th scope="col" class="number">Rows</th><th scope="col" class="number">p</th></tr></thead>
<tbody>${rows}</tbody></table>`,
  );
}

function slices({ metrics, pairs }: Comparison, pair: PairComparison): Html | undefined {
  if (pair.slices.length === 0) return undefined;
  const metric = metrics[0]!;
  const row = (slice: SliceComparison): Html => html`<tr><td>${slice.by}</td>
<th scope="row">${excerpt(slice.value, LONGEST_VALUE)}</th>
<td class="number">${formatCount(slice.rows)}${slice.small && " (few)"}</td>
<td class="number">${formatMetric(metric, slice.scoreA)}</td><td class="number">${formatMetric(metric, slice.scoreB)}</td>
<td class="number ${slice.verdict === "b" ? "up" : slice.verdict === "a" ? "down" : ""}">${formatDifference(metric, slice.difference.value)}</td>
<td class="number quiet">${formatDifferenceInterval(metric, slice.difference)}</td>
<td class="number">${formatP(slice.adjusted)}</td></tr>`;
  const heads = ["Rows", pair.a, pair.b, "Change", "95 % interval", "p"];
  const table = scrolling(
    `Slices of ${pair.a} and ${pair.b}`,
    html`<table><caption>${metricTitles[metric].title} on parts of the rows${
      metricTitles[metric].share && ", in percent"
    }; p corrected over all parts</caption>
<thead><tr><th scope="col">By</th><th scope="col">Part</th>
${heads.map((head) => html`<th scope="col" class="number">${head}</th>`)}</tr></thead>
<tbody>${pair.slices.map(row)}</tbody></table>`,
  );
  const sure = describeSlices(pair);
  const body = html`${sure !== undefined && html`<p>${sure}.</p>`}${table}`;
  if (pairs.length <= OPEN_PAIRS) return body;
  return html`<details><summary>Parts of the rows: ${pair.a} and ${pair.b}</summary>${body}</details>`;
}
