import { formatCount, formatFigure } from "./format.ts";
import { type Html, html } from "./html.ts";
import { renderLossChart, thinOut } from "./loss-chart.ts";
import { section } from "./parts.ts";
import type { RunHistory } from "./run-history.ts";

/** The loss over the run, as a picture for wide and one for narrow screens, and as a table. */
export function courseSection({ training, validation, warnings }: RunHistory): Html | undefined {
  if (training.length === 0 && validation.length === 0) return undefined;
  const listed = validation.length > 0 ? validation : thinOut(training, 20);
  const name = validation.length > 0 ? "Validation" : "Training";
  return section(
    "Loss",
    html`<figure><div class="wide">${renderLossChart(training, validation, 760, 300)}</div>
<div class="narrow">${renderLossChart(training, validation, 380, 280)}</div>
<figcaption>${training.length > 0 && html`<span class="key accent"></span>training `}
${validation.length > 0 && html`<span class="key warm"></span>validation`}</figcaption></figure>
<details><summary>${name} loss in figures</summary><table><thead><tr><th scope="col" class="number">Step</th>
<th scope="col" class="number">${name} loss</th></tr></thead><tbody>${listed.map(
      ({ step, loss }) =>
        html`<tr><td class="number">${formatCount(step)}</td><td class="number">${formatFigure(loss)}</td></tr>`,
    )}</tbody></table></details>`,
    warnings.map((warning) => html`<p>${warning}</p>`),
  );
}
