import { palette } from "./chart.ts";
import { formatCount, formatFigure } from "./format.ts";
import { type Html, html } from "./html.ts";
import { legend } from "./legend.ts";
import { describeCourse, renderLossChart, thinOut } from "./loss-chart.ts";
import { section } from "./parts.ts";
import type { RunHistory } from "./run-history.ts";

/** The loss over the run, as a picture for wide and one for narrow screens, and as a table. */
export function courseSection({ training, validation, warnings }: RunHistory): Html | undefined {
  if (training.length === 0 && validation.length === 0) return undefined;
  const lines = [
    { name: "training", points: training, marked: false, color: palette.accent, dashed: false },
    { name: "validation", points: validation, marked: true, color: palette.warm, dashed: false },
  ].filter(({ points }) => points.length > 0);
  const courses = lines.flatMap(({ name, points }) => describeCourse(name, points) ?? []);
  const description = `Loss curve: ${courses.join("; ")}`;
  const listed = validation.length > 0 ? validation : thinOut(training, 20);
  const name = validation.length > 0 ? "Validation" : "Training";
  return section(
    "Loss",
    html`<figure><div class="wide">${renderLossChart(lines, description, 760, 300)}</div>
<div class="narrow">${renderLossChart(lines, description, 340, 260)}</div>${legend(lines)}</figure>
<details><summary>${name} loss in figures</summary><table><thead><tr><th scope="col" class="number">Step</th>
<th scope="col" class="number">${name} loss</th></tr></thead><tbody>${listed.map(
      ({ step, loss }) =>
        html`<tr><td class="number">${formatCount(step)}</td><td class="number">${formatFigure(loss)}</td></tr>`,
    )}</tbody></table></details>`,
    warnings.map((warning) => html`<p>${warning}</p>`),
  );
}
