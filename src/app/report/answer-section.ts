import { describeAnswer } from "./answer.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatFigure,
  formatInterval,
  formatPercent,
  formatPoints,
} from "./format.ts";
import { type Html, type HtmlPart, html } from "./html.ts";
import { beforeAfter } from "./parts.ts";
import type { ReportData } from "./report-data.ts";

/** What was done, what came of it, and the figures that one asks for next. */
export function answerSection(data: ReportData): Html {
  const { model, method, trainingData, evaluation, cost } = data;
  const base = evaluation?.base;
  const tuned = evaluation?.tuned;
  const figures: [string, HtmlPart][] = [];
  if (tuned !== undefined) {
    figures.push(
      ["Macro F1", beforeAfter(base && formatPoints(base.macroF1), formatPercent(tuned.macroF1))],
      ["Log loss", beforeAfter(base && formatFigure(base.logLoss), formatFigure(tuned.logLoss))],
      ["Outside the labels", beforeAfter(base && formatPoints(base.outsideMass), formatPercent(tuned.outsideMass))],
    );
  }
  figures.push(
    ["Time", formatDuration(cost.seconds)],
    ["Peak memory", formatBytes(cost.peakMemoryBytes)],
    ["Output", formatBytes(cost.outputBytes)],
  );
  return html`<header>
<h1>${data.title}</h1>
<p class="byline">${METHOD_NAMES[method.name] ?? method.name} of ${model.name}
on ${formatCount(trainingData.rows)} rows, ${formatDate(data.createdAt)}</p>
<div class="answer">
${evaluation === undefined ? lossAnswer(data) : accuracyAnswer(evaluation)}</div>
<dl class="figures">${figures.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</header>`;
}

/** Methods of recipes for people. */
export const METHOD_NAMES: Readonly<Record<string, string>> = {
  full: "Full fine-tuning",
  lora: "LoRA fine-tuning",
  qlora: "QLoRA fine-tuning",
};

function accuracyAnswer({ name, base, tuned }: NonNullable<ReportData["evaluation"]>): Html {
  const before = base && html`<span class="before">${formatPercent(base.accuracy)} → </span>`;
  const baseInterval = base && `; before training, ${formatInterval(base.accuracyInterval)}`;
  return html`<strong>${before}${formatPercent(tuned.accuracy)}</strong>
<p>accuracy on ${formatCount(tuned.rows)} rows of ${name}.
95&nbsp;% interval ${formatInterval(tuned.accuracyInterval)}${baseInterval}.</p>`;
}

/** What there is to say of a run that was not scored, and how to score it. */
function lossAnswer(data: ReportData): Html {
  return html`<p>${describeAnswer(data)}</p>
<p class="quiet">How good it is has not been measured yet. With labelled rows: <code>${data.evaluateCommand}</code>,
then this report again.</p>`;
}

function formatDate(iso: string): string {
  return iso.slice(0, 16).replace("T", " ");
}
