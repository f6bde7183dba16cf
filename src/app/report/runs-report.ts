import type { Comparison } from "../../tune/evaluate/compare/comparison.ts";
import { METHOD_NAMES } from "./answer-section.ts";
import { comparisonSection } from "./comparison-section.ts";
import { describeComparison, describePair } from "./comparison-words.ts";
import { formatCount, formatInterval, formatPercent } from "./format.ts";
import { type Html, html } from "./html.ts";
import { renderPage } from "./page.ts";
import { section } from "./parts.ts";
import type { ReportData } from "./report-data.ts";
import { runClassesSection } from "./run-classes-section.ts";
import { runDifferencesSection } from "./run-differences-section.ts";
import { runLossesSection } from "./run-losses-section.ts";
import { runTable } from "./run-table.ts";
import type { RunsData } from "./runs-data.ts";
import { toolsSections } from "./tools-section.ts";

/** Several runs side by side as one HTML file that needs nothing else. */
export function renderRunsReport(data: RunsData): string {
  const { title, createdAt, runs, comparison, differences, compareCommands } = data;
  return renderPage(
    title,
    html`<header>
<h1>${title}</h1>
<p class="byline">${describeRuns(runs)}, ${createdAt.slice(0, 16).replace("T", " ")}</p>
<div class="answer">${comparison === undefined ? bestSoFar(runs) : answerOf(comparison)}</div>
</header>
<main>
${runTable(runs)}
${comparison?.beside && toolsSections(comparison.beside)}
${comparison === undefined ? howToCompare(compareCommands) : comparisonSection(comparison, describeComparison(comparison).pairs)}
${runDifferencesSection(runs, differences)}
${runClassesSection(runs)}
${runLossesSection(runs)}
${section(
  "Do it again",
  runs.map(
    ({ title: name, reproduce }) => html`<p><b>${name}</b>, weights <code>${reproduce.sha256}</code></p>
<pre>${reproduce.command}</pre>`,
  ),
)}
</main>`,
  );
}

/** What is the same of all, as far as there is anything. */
function describeRuns(runs: readonly ReportData[]): string {
  const only = (values: readonly string[]): string | undefined => (new Set(values).size === 1 ? values[0] : undefined);
  const method = only(runs.map((run) => METHOD_NAMES[run.method.name] ?? run.method.name)) ?? "Fine-tuning";
  const base = only(runs.map(({ model }) => model.name)) ?? "several bases";
  return `${method} of ${base}: ${runs.map(({ title }) => title).join(", ")}`;
}

function answerOf(comparison: Comparison): Html {
  const { headline, pairs } = describeComparison(comparison);
  return html`<strong class="words">${headline}</strong>
${pairs.map((pair) => html`<p>${describePair(comparison, pair)}.</p>`)}`;
}

/** The best figure there is, without a word on whether it is more than luck. */
function bestSoFar(runs: readonly ReportData[]): Html {
  const scored = runs.flatMap(({ title, evaluation }) => (evaluation === undefined ? [] : [{ title, ...evaluation }]));
  const best = scored.toSorted((a, b) => b.tuned.accuracy - a.tuned.accuracy)[0];
  if (best === undefined) {
    return html`<p>How good the runs are has not been measured yet: <code>${runs[0]!.evaluateCommand}</code>, for each.</p>`;
  }
  const sets = new Set(scored.map(({ name, tuned }) => `${name}, ${tuned.rows} rows`));
  const caution = sets.size > 1 ? " The runs were scored on different rows: their figures cannot be compared." : "";
  return html`<strong>${formatPercent(best.tuned.accuracy)}</strong>
<p>accuracy of ${best.title}, the highest, on ${formatCount(best.tuned.rows)} rows of ${best.name}, 95&nbsp;% interval
${formatInterval(best.tuned.accuracyInterval)}.${caution} Whether it leads by more than luck is not known.</p>`;
}

function howToCompare(commands: readonly string[]): Html {
  return section(
    "On the same rows",
    html`<p>Whether the differences are real takes what each run says to each row:</p><pre>${commands.join("\n")}</pre>`,
  );
}
