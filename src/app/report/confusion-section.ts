import type { Evaluation } from "../../tune/evaluate/classification-report.ts";
import { occupiedCells } from "./confusion-cells.ts";
import { MAX_PICTURED_CLASSES, MAX_SMALL_CLASSES, renderConfusionChart } from "./confusion-chart.ts";
import { formatCount, formatPercent } from "./format.ts";
import { type Html, html } from "./html.ts";
import { scrolling, section } from "./parts.ts";
import type { ReportData } from "./report-data.ts";

const COMMONEST = 8;

/** Which classes are taken for which: pictures where they can be seen, the commonest confusions and the counts. */
export function confusionSection(evaluation: NonNullable<ReportData["evaluation"]>): Html | undefined {
  const { base, tuned } = evaluation as { base?: Confused; tuned: Confused };
  if (tuned.confusion === undefined) return undefined;
  const { labels } = tuned.confusion;
  const pictured = labels.length <= MAX_PICTURED_CLASSES;
  const models: [string, Confused][] =
    base === undefined
      ? [["Tuned", tuned]]
      : [
          ["Base", base],
          ["Tuned", tuned],
        ];
  const pictures = html`<div class="pictures ${labels.length > MAX_SMALL_CLASSES && "large"}">
${models.map(([name, evaluation]) => picture(name, evaluation))}</div>
<p class="quiet"><span class="key square accent"></span>right <span class="key square warm"></span>wrong;
the stronger the colour, the larger the share of the true class</p>`;
  return section(
    "What is taken for what",
    pictured ? pictures : html`<p>${labels.length} classes are too many for a picture.</p>`,
    commonestTable(base, tuned),
    pictured &&
      models.map(
        ([name, { confusion }]) => html`<details><summary>Counts, ${name.toLowerCase()} model</summary>
${scrolling(`Confusion counts of the ${name.toLowerCase()} model`, countsTable(confusion))}</details>`,
      ),
  );
}

/** An evaluation with one label a row. */
type Confused = Evaluation & Required<Pick<Evaluation, "confusion">>;

function picture(name: string, { confusion, accuracy, rows }: Confused): Html {
  const description =
    `Confusion matrix of the ${name.toLowerCase()} model: ${formatPercent(accuracy)} of ${formatCount(rows)} rows ` +
    "on the diagonal. The counts are in a table below.";
  const chart = renderConfusionChart(confusion.labels, confusion.matrix, description);
  const large = confusion.labels.length > MAX_SMALL_CLASSES;
  return html`<figure><figcaption>${name}</figcaption>
${large ? scrolling(`Confusion matrix, ${name.toLowerCase()}`, chart) : chart}</figure>`;
}

function commonestTable(base: Confused | undefined, tuned: Confused): Html | undefined {
  const { labels, matrix } = tuned.confusion;
  const confusions = occupiedCells(matrix)
    .filter(({ target, predicted }) => target !== predicted)
    .sort((a, b) => b.count - a.count)
    .slice(0, COMMONEST);
  if (confusions.length === 0) return undefined;
  const rows = confusions.map(({ target, predicted, count, share }) => {
    const before = base && html`<td class="number">${formatCount(base.confusion.matrix[target]![predicted]!)}</td>`;
    return html`<tr><td>${labels[target]}</td><td>${labels[predicted]}</td>${before}
<td class="number">${formatCount(count)}</td><td class="number">${formatPercent(share)}</td></tr>`;
  });
  const heads = [base && "Base", base === undefined ? "Rows" : "Tuned", "Of the class"];
  return scrolling(
    "Commonest confusions",
    html`<table><caption>Commonest confusions</caption>
<thead><tr><th scope="col">True</th><th scope="col">Predicted</th>
${heads.map((head) => head && html`<th scope="col" class="number">${head}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table>`,
  );
}

function countsTable({ labels, matrix }: Confused["confusion"]): Html {
  const row = (label: string, target: number): Html => html`<tr><th scope="row">${label}</th>
${matrix[target]!.map((count) => html`<td class="number">${formatCount(count)}</td>`)}</tr>`;
  return html`<table><thead><tr><th scope="col">True \\ predicted</th>
${labels.map((label) => html`<th scope="col" class="number">${label}</th>`)}</tr></thead>
<tbody>${labels.map(row)}</tbody></table>`;
}
