import { formatBytes, formatCount, formatDuration, formatFigure, formatInterval, formatPercent } from "./format.ts";
import { type Html, type HtmlPart, html } from "./html.ts";
import { rowName, scrolling, section } from "./parts.ts";
import type { ReportData } from "./report-data.ts";

interface Column {
  readonly name: string;
  readonly of: (run: ReportData) => HtmlPart;
  /** Words, not figures. */
  readonly words?: true;
  /** Whether it is worth its place. */
  readonly shown?: boolean;
}

/** What each run is, how good it is, and what it took: a row each. What is the same of all is left out. */
export function runTable(runs: readonly ReportData[]): Html {
  const differ = (of: (run: ReportData) => unknown): boolean => new Set(runs.map(of)).size > 1;
  const scored = runs.some(({ evaluation }) => evaluation !== undefined);
  const all: readonly Column[] = [
    { name: "Base", of: ({ model }) => model.name, words: true, shown: differ(({ model }) => model.name) },
    { name: "Method", of: ({ method }) => method.name, words: true, shown: differ(({ method }) => method.name) },
    { name: "Accuracy", of: ({ evaluation }) => accuracyOf(evaluation), shown: scored },
    { name: "Macro F1", of: ({ evaluation: e }) => (e ? formatPercent(e.tuned.macroF1) : "–"), shown: scored },
    { name: "Log loss", of: ({ evaluation: e }) => (e ? formatFigure(e.tuned.logLoss) : "–"), shown: scored },
    {
      name: "Validation loss",
      of: ({ history }) => lastLoss(history.validation),
      shown: runs.some(({ history }) => history.validation.length > 0),
    },
    { name: "Examples", of: ({ trainingData }) => formatCount(trainingData.rows) },
    { name: "Time", of: ({ cost }) => formatDuration(cost.seconds) },
    { name: "Memory", of: ({ cost }) => formatBytes(cost.peakMemoryBytes) },
    { name: "Parameters trained", of: ({ model }) => formatCount(model.trainedParameters) },
  ];
  const columns = all.filter(({ shown = true }) => shown);
  const rows = runs.map(
    (run) => html`<tr>${rowName(run.title)}
${columns.map(({ of, words }) => html`<td class="${!words && "number"}">${of(run)}</td>`)}</tr>`,
  );
  return section(
    "The runs",
    scrolling(
      "The runs",
      html`<table><thead><tr><th scope="col">Run</th>
${columns.map(({ name, words }) => html`<th scope="col" class="${!words && "number"}">${name}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table>`,
    ),
  );
}

function accuracyOf(evaluation: ReportData["evaluation"]): HtmlPart {
  if (evaluation === undefined) return "not scored";
  const { tuned } = evaluation;
  return html`${formatPercent(tuned.accuracy)}<span class="interval">${formatInterval(tuned.accuracyInterval)}</span>`;
}

function lastLoss(points: ReportData["history"]["validation"]): string {
  const last = points.at(-1);
  return last === undefined ? "–" : formatFigure(last.loss);
}
