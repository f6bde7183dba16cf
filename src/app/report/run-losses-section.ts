import { seriesStyle } from "./chart.ts";
import { type Html, html } from "./html.ts";
import { legend } from "./legend.ts";
import { describeCourse, renderLossChart } from "./loss-chart.ts";
import { section } from "./parts.ts";
import type { ReportData } from "./report-data.ts";

/** More lines than this are a tangle. */
const MAX_LINES = 12;

/** The validation losses of the runs over their steps; the training losses of runs without validation. */
export function runLossesSection(runs: readonly ReportData[]): Html | undefined {
  const validated = runs.some(({ history }) => history.validation.length > 0);
  const named = validated ? "validation" : "training";
  const lines = runs
    .map(({ title, history }, run) => ({ name: title, points: history[named], marked: validated, ...seriesStyle(run) }))
    .filter(({ points }) => points.length > 0);
  if (lines.length === 0) return undefined;
  const shown = lines.slice(0, MAX_LINES);
  const courses = shown.flatMap(({ name, points }) => describeCourse(name, points) ?? []);
  const description = `${named} losses: ${courses.join("; ")}`;
  return section(
    validated ? "Validation loss" : "Training loss",
    html`<figure><div class="wide">${renderLossChart(shown, description, 760, 300)}</div>
<div class="narrow">${renderLossChart(shown, description, 340, 260)}</div>${legend(shown)}</figure>`,
    lines.length > MAX_LINES && html`<p class="quiet">The first ${MAX_LINES} of ${lines.length} runs.</p>`,
  );
}
