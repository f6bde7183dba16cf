/** Models beside tools, for the page. */
import type {
  AlertFigures,
  AlertPair,
  OverallFigures,
  SubjectFigures,
  ToolComparison,
} from "../../tune/evaluate/compare/alerts/alert-comparison.ts";
import type { Estimate } from "../../tune/evaluate/compare/estimate.ts";
import { formatP } from "./comparison-words.ts";
import { formatChange, formatCount, formatPoints } from "./format.ts";
import { type Html, html } from "./html.ts";
import { rowName, scrolling, section } from "./parts.ts";
import { classChart, overallChart } from "./tools-charts.ts";
import { matchedSection } from "./tools-matched-section.ts";
import { toReadSection } from "./tools-reading-section.ts";
import { describeCovered, describePairOfAlerts, describeTool, pointsOf } from "./tools-words.ts";

/** Scores of all, class by class, at the same precision and number of alerts, together, and rows to read. */
export function toolsSections(beside: ToolComparison): Html {
  const { pairs } = beside;
  return html`${section(
    "Beside the tools",
    pairs.map((pair) => {
      const covered = describeCovered(pair, beside);
      return html`<p>${describePairOfAlerts(pair)}.${covered !== undefined && html` ${covered}.`}</p>`;
    }),
    overallChart(beside),
    subjectTable(beside),
    html`<p class="quiet">${beside.tools.map(({ name }) => html`${describeTool(beside, name)}.<br>`)}Accuracy counts every file
and class as one decision, alerts and silences alike. p-values are corrected by Holm's method over all ${formatCount(countTests(pairs))} tests
of this page.</p>`,
  )}${classesSection(beside)}${matchedSection(beside)}${togetherSection(beside)}${toReadSection(beside)}`;
}

function countTests(pairs: readonly AlertPair[]): number {
  return pairs.reduce((sum, { covered, perClass }) => sum + 1 + (covered ? 1 : 0) + perClass.length, 0);
}

const HEADS = ["Alerts", "Accuracy", "Precision", "Recall", "Micro F1", "Macro F1"];

function scoreCells({ alerts, accuracy, precision, recall, f1, macroF1 }: OverallFigures): Html {
  return html`<td class="number">${formatCount(alerts)}</td>${[accuracy, precision, recall, f1, macroF1].map(cell)}`;
}

function cell(estimate: Estimate): Html {
  const ends = estimate.interval?.map(formatPoints).join(" to ");
  return html`<td class="number">${pointsOf(estimate)}${ends !== undefined && html`<span class="interval">${ends}</span>`}</td>`;
}

function scoreTable(caption: string, rows: readonly Html[]): Html {
  return scrolling(
    caption,
    html`<table><caption>${caption}, in percent</caption><thead><tr><th scope="col"></th>
${HEADS.map((head) => html`<th scope="col" class="number">${head}</th>`)}</tr></thead><tbody>${rows}</tbody></table>`,
  );
}

function subjectTable({ subjects, labels }: ToolComparison): Html {
  const rows = subjects.flatMap(({ name, overall, covered, covers }) => [
    html`<tr>${rowName(name)}${scoreCells(overall)}</tr>`,
    ...(covered
      ? [
          html`<tr>${rowName(`${name} covered`, html`<span class="quiet">on its ${covers!.length} of ${labels.length} classes</span>`)}
${scoreCells(covered)}</tr>`,
        ]
      : []),
  ]);
  return scoreTable("Over all classes", rows);
}

function togetherSection({ together }: ToolComparison): Html {
  const rows = together.map(({ name, overall }) => html`<tr>${rowName(name)}${scoreCells(overall)}</tr>`);
  return section(
    "Together",
    html`<p>An alert where either raises one, or only where both do; “most tools” are more than half of those with a rule for
the class.</p>`,
    scoreTable("Unions and intersections", rows),
  );
}

function classesSection(beside: ToolComparison): Html {
  const { labels, support, subjects, pairs } = beside;
  const heads = ["Alerts", "Accuracy", "Precision", "Recall", "F1", "p"];
  const groups = labels.map(
    (label, c) => html`<tbody><tr><th colspan="7" scope="rowgroup">${label},
<span class="quiet">${formatCount(support[c]!)} files</span></th></tr>
${subjects.map((subject) => html`<tr><td>${subject.name}</td>${classCells(subject, label, subject.perClass[c]!, pairs)}</tr>`)}</tbody>`,
  );
  const table = html`<table><caption>Scores of each class, in percent; p of the difference in accuracy from a model; where alerts
are in brackets, the tool has no rule for the class</caption><thead><tr><th scope="col">Class</th>
${heads.map((head) => html`<th scope="col" class="number">${head}</th>`)}</tr></thead>${groups}</table>`;
  return section(
    "Class by class, beside the tools",
    classChart(beside, "accuracy"),
    classChart(beside, "recall"),
    scrolling("Scores of each class", table),
  );
}

function classCells(
  { name, kind, covers }: SubjectFigures,
  label: string,
  { alerts, accuracy, precision, recall, f1 }: AlertFigures,
  pairs: readonly AlertPair[],
): Html {
  const knows = kind === "model" || covers!.includes(label);
  const tests = pairs.flatMap(({ tool, perClass }) =>
    tool === name ? perClass.filter((one) => one.label === label) : [],
  );
  const p = tests.map(({ adjusted, verdict, difference }) => {
    const direction = verdict === "undecided" ? "" : verdict === "model" ? "down" : "up";
    return html`<span class="${direction}" title="model minus tool ${formatChange(difference.value ?? 0)} points">${formatP(adjusted)}</span> `;
  });
  return html`<td class="number">${knows ? formatCount(alerts) : html`(${formatCount(alerts)})`}</td>${[accuracy, precision, recall, f1].map(cell)}
<td class="number">${p}</td>`;
}
