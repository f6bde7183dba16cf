/** A finished sweep as one HTML file that needs nothing else. */
import { type Html, html } from "../report/html.ts";
import { renderPage } from "../report/page.ts";
import { scrolling, section } from "../report/parts.ts";
import { metricIn } from "./choose-best.ts";
import { sweepChart } from "./sweep-chart.ts";
import { columnsOf, formatMetric, titleOf } from "./sweep-columns.ts";
import type { SweepResult } from "./sweep-result.ts";
import { bestLine } from "./sweep-table.ts";

export function renderSweepPage(result: SweepResult, title: string): string {
  const body = html`${answer(result, title)}
<main>
${table(result)}
${charts(result)}
${failures(result)}
</main>`;
  return renderPage(title, body);
}

function answer(result: SweepResult, title: string): Html {
  const { runs, best, metric } = result;
  const over = runs.filter((run) => run.result !== null).length;
  const run = runs.find(({ name }) => name === best);
  const heading = html`<h1>${title}</h1><p class="byline">${over} of ${runs.length} runs of ${result.recipe}</p>`;
  if (run === undefined || metric === null) return html`<header>${heading}<p>${bestLine(result)}</p></header>`;
  const unit = titleOf(metric).endsWith("%") ? " %" : "";
  const test = metricIn(run.result?.test, metric);
  const shown = test ?? metricIn(run.result?.validation, metric);
  const settings = Object.entries(run.labels).map(([axis, label]) => `${axis} ${label}`);
  return html`<header>${heading}
<div class="answer"><strong>${formatMetric(metric, shown)}${unit}</strong>
<p>${test === undefined ? "validation" : "test"} ${titleOf(metric).replace(" %", "")} of the best run: ${settings.join(", ")}. It was chosen by
the validation rows; the test rows had no say.</p></div></header>`;
}

function table(result: SweepResult): Html {
  const columns = columnsOf(result);
  const kind = (isFigure: boolean): Html | undefined => (isFigure ? html` class="number"` : undefined);
  const head = columns.map(({ title, isFigure }) => html`<th scope="col"${kind(isFigure)}>${title}</th>`);
  const rows = result.runs
    .filter((run) => run.result !== null)
    .map((run) => {
      const cells = columns.map(({ cell, isFigure }) => {
        const text = run.name === result.best ? html`<strong>${cell(run)}</strong>` : cell(run);
        return html`<td${kind(isFigure)}>${text}</td>`;
      });
      return html`<tr>${cells}</tr>`;
    });
  const note = html`<p class="quiet">${bestLine(result)}</p>`;
  return section(
    "Runs",
    scrolling("Runs", html`<table><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table>`),
    note,
  );
}

/** By the metric that the best is chosen by, for every axis with more than one value. */
function charts(result: SweepResult): Html | undefined {
  const { metric, axes, runs } = result;
  const wanted = metric === null ? [] : [...new Set([metric, "roc_auc"])];
  const there = wanted.filter((name) => runs.some((run) => metricIn(run.result?.test, name) !== undefined));
  const varied = axes.filter(({ values }) => values.length > 1);
  if (there.length === 0 || varied.length === 0) return undefined;
  const figures = varied.flatMap((axis) =>
    there.map(
      (name) => html`<figure><figcaption>test ${titleOf(name)} by ${axis.name}</figcaption>
${sweepChart(result, axis, name)}</figure>`,
    ),
  );
  const note = html`<p class="quiet">A dot is a run; the line goes through the means of each value's runs.</p>`;
  return section("By what was varied", html`<div class="pictures">${figures}</div>`, note);
}

function failures({ runs }: SweepResult): Html | undefined {
  const failed = runs.filter(({ error }) => error !== null);
  if (failed.length === 0) return undefined;
  const items = failed.map(({ name, error }) => html`<tr><th scope="row">${name}</th><td>${error ?? ""}</td></tr>`);
  return section("Failed", html`<table><tbody>${items}</tbody></table>`);
}
