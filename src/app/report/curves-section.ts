import type { Evaluation } from "../../tune/evaluate/classification-report.ts";
import type { EvaluationCurves } from "../../tune/evaluate/evaluation-curves.ts";
import { afterStyle, beforeStyle, type SeriesStyle, seriesStyle } from "./chart.ts";
import { type Curve, renderCurveChart } from "./curve-chart.ts";
import { formatCount, formatFigure, formatPoints } from "./format.ts";
import { type Html, html } from "./html.ts";
import { legend } from "./legend.ts";
import { beforeAfter, factTable, scrolling, section } from "./parts.ts";
import type { ReportData } from "./report-data.ts";

/** ROC and precision-recall curves of the tuned model, reliability before and after, and their figures. */
export function curvesSection({ base, tuned }: NonNullable<ReportData["evaluation"]>): Html | undefined {
  const { curves } = tuned;
  if (curves === undefined) return undefined;
  const labels = [...new Set([...curves.roc, ...curves.precisionRecall].map(({ label }) => label))];
  const styleOf = (label: string) => seriesStyle(labels.indexOf(label));
  const roc = curves.roc.map(({ label, falsePositiveRate: x, truePositiveRate: y }) => ({ ...styleOf(label), x, y }));
  const precisionRecall = curves.precisionRecall.map(({ label, recall: x, precision: y }) => ({
    ...styleOf(label),
    x,
    y,
  }));
  const hidden = tuned.perClass.length - labels.length;
  return section(
    "Ranking and calibration",
    html`<div class="pictures">
${roc.length > 0 && rocFigure(roc, tuned)}
${precisionRecall.length > 0 && precisionRecallFigure(precisionRecall, tuned)}</div>
${labels.length > 0 && legend(labels.map((name) => ({ name, ...styleOf(name) })))}
${hidden > 0 && tuned.positive === undefined && html`<p class="quiet">${hidden} more classes are in the table only.</p>`}`,
    areasTable(base, tuned),
    html`<div class="pictures">${reliabilityFigure(base?.curves, curves)}${reliabilityFacts(base, tuned)}</div>`,
    reliabilityTable(base?.curves, curves),
  );
}

function rocFigure(curves: readonly Curve[], tuned: Evaluation): Html {
  const description =
    "ROC curves, true positive rate against false positive rate, of each class against the rest. " +
    `Areas: ${areasInWords(tuned, "rocAuc")}. The diagonal is chance.`;
  const chart = renderCurveChart(curves, {
    description,
    xName: "false positive rate",
    yName: "true positive rate",
    diagonal: true,
  });
  return html`<figure><figcaption>ROC</figcaption>${chart}</figure>`;
}

function precisionRecallFigure(curves: readonly Curve[], tuned: Evaluation): Html {
  const description =
    "Precision-recall curves of each class against the rest. " +
    `Average precision: ${areasInWords(tuned, "averagePrecision")}.`;
  const chart = renderCurveChart(curves, { description, xName: "recall", yName: "precision" });
  return html`<figure><figcaption>Precision and recall</figcaption>${chart}</figure>`;
}

function reliabilityFigure(base: EvaluationCurves | undefined, tuned: EvaluationCurves): Html {
  const curve = (curves: EvaluationCurves, style: SeriesStyle): Curve => ({
    ...style,
    x: curves.reliability.meanPredicted,
    y: curves.reliability.fractionOfPositives,
    counts: curves.reliability.counts,
  });
  const description =
    "Reliability: how often the model is right against how sure it is; on the diagonal it is as sure as it should be, " +
    "below it too sure. The points are in a table below.";
  const chart = renderCurveChart([...(base ? [curve(base, beforeStyle)] : []), curve(tuned, afterStyle)], {
    description,
    xName: "how sure",
    yName: "how often right",
    diagonal: true,
  });
  const entries = [...(base ? [{ name: "base", ...beforeStyle }] : []), { name: "tuned", ...afterStyle }];
  return html`<figure><figcaption>Reliability</figcaption>${chart}${base && legend(entries)}</figure>`;
}

/** What the picture comes to, in figures, and how to read it. */
function reliabilityFacts(base: Evaluation | undefined, tuned: Evaluation): Html {
  const facts = RELIABILITY_METRICS.flatMap(({ name, title, format }) => {
    const is = tuned.metrics?.[name]?.value;
    const was = base?.metrics?.[name]?.value;
    return is == null ? [] : [[title, beforeAfter(was == null ? undefined : format(was), format(is))] as const];
  });
  return html`<div class="beside">${factTable(facts)}
<p class="quiet">A point is a range of probabilities, larger for more rows. On the dashed line answers that the model holds
for 80 % sure are right in 80 of 100; below it the model is too sure, above it too modest.</p></div>`;
}

const RELIABILITY_METRICS = [
  { name: "ece", title: "Calibration error, %", format: formatPoints },
  { name: "brier", title: "Brier score", format: formatFigure },
  { name: "log_loss", title: "Log loss", format: formatFigure },
] as const;

function areasInWords({ perClass }: Evaluation, area: "rocAuc" | "averagePrecision"): string {
  const known = perClass.flatMap(({ label, [area]: value }) =>
    value == null ? [] : [`${label} ${formatFigure(value)}`],
  );
  const shown = known.slice(0, 12).join(", ");
  return known.length > 12 ? `${shown} and ${known.length - 12} more` : shown;
}

function areasTable(base: Evaluation | undefined, tuned: Evaluation): Html | undefined {
  if (tuned.perClass.every(({ rocAuc, averagePrecision }) => rocAuc == null && averagePrecision == null))
    return undefined;
  const cell = (was: number | null | undefined, is: number | null | undefined): Html =>
    html`<td class="number">${is == null ? "–" : beforeAfter(was == null ? undefined : formatPoints(was), formatPoints(is))}</td>`;
  const rows = tuned.perClass.map((scores, c) => {
    const was = base?.perClass[c];
    return html`<tr><th scope="row">${scores.label}</th><td class="number">${formatCount(scores.support)}</td>
${cell(was?.rocAuc, scores.rocAuc)}${cell(was?.averagePrecision, scores.averagePrecision)}</tr>`;
  });
  return scrolling(
    "Areas under the curves",
    html`<table><caption>Areas under the curves, in percent${base && ", base model → tuned model"}</caption>
<thead><tr><th scope="col">Class</th><th scope="col" class="number">Rows</th>
<th scope="col" class="number">ROC AUC</th><th scope="col" class="number">Average precision</th></tr></thead>
<tbody>${rows}</tbody></table>`,
  );
}

function reliabilityTable(base: EvaluationCurves | undefined, tuned: EvaluationCurves): Html {
  const rows = (name: string, { reliability }: EvaluationCurves): Html[] =>
    reliability.counts.map(
      (count, i) => html`<tr><td>${name}</td><td class="number">${formatPoints(reliability.meanPredicted[i]!)}</td>
<td class="number">${formatPoints(reliability.fractionOfPositives[i]!)}</td>
<td class="number">${formatCount(count)}</td></tr>`,
    );
  const table = html`<table><thead><tr><th scope="col">Model</th><th scope="col" class="number">How sure, %</th>
<th scope="col" class="number">How often right, %</th><th scope="col" class="number">Rows</th></tr></thead>
<tbody>${base && rows("base", base)}${rows("tuned", tuned)}</tbody></table>`;
  return html`<details><summary>Reliability in figures</summary>${scrolling("Reliability", table)}</details>`;
}
