/** Tables of a run. */
import type { RunDetail } from "../wire.ts";
import { element, table } from "./dom.ts";
import { ago, bytes, count, duration, figure, percent } from "./format.ts";

export function standingsTable({ standings }: RunDetail): HTMLElement | undefined {
  if (standings === null) return undefined;
  const rows = Object.entries(standings).map(([name, { precision, recall, f1, support }]) => [
    name,
    percent(precision),
    percent(recall),
    percent(f1),
    count(support),
  ]);
  return table("Labels at the last evaluation", ["label", "precision", "recall", "F1", "rows"], rows);
}

export function samplesTable({ samples }: RunDetail): HTMLElement | undefined {
  if (samples === null || samples.rows.length === 0) return undefined;
  const rows = samples.rows.map(({ text, truth, given, probabilities }) => {
    const right = truth.length === given.length && truth.every((name) => given.includes(name));
    const scores = Object.entries(probabilities).map(([name, value]) => element("li", {}, `${name} ${percent(value)}`));
    return [
      element("span", { class: "sample" }, text),
      truth.join(", ") || "none",
      element("span", { class: right ? "right" : "wrong" }, `${right ? "✓" : "✗"} ${given.join(", ") || "none"}`),
      element("ul", { class: "scores" }, scores),
    ];
  });
  return table(
    `Rows of the validation set at step ${count(samples.step)}`,
    ["text", "true", "given", "probabilities"],
    rows,
  );
}

export function choicesTable({ choices }: RunDetail): HTMLElement | undefined {
  if (choices.length === 0) return undefined;
  const rows = choices.map(({ name, value, reason }) => [name, value, reason]);
  return table("What was chosen for you", ["option", "value", "reason"], rows);
}

export function checkpointsTable({ checkpoints }: RunDetail): HTMLElement | undefined {
  if (checkpoints.length === 0) return undefined;
  const rows = checkpoints.map(({ step, written }) => [`step ${count(step)}`, ago(written)]);
  return table("Checkpoints", ["checkpoint", "written"], rows);
}

/** Figures of a run in pairs of name and value. */
export function facts({ summary, rows, trainableParameters, ledger, predicted, measured }: RunDetail): HTMLElement {
  const best = Object.entries(summary.metrics).filter(([name]) => name !== "loss");
  const pairs: (readonly [string, string] | false)[] = [
    ["step", `${count(summary.step)} of ${count(summary.totalSteps)}`],
    ["time", duration(summary.seconds)],
    ["training loss", figure(summary.loss)],
    summary.metrics.loss !== undefined && ["validation loss", figure(summary.metrics.loss)],
    ...best.slice(0, 6).map(([name, value]) => [name, figure(value)] as const),
    rows !== null && [
      "rows",
      `${count(rows.train)}${rows.validation === null ? "" : ` + ${count(rows.validation)} to validate`}`,
    ],
    trainableParameters !== null && ["trained parameters", count(trainableParameters)],
    ledger !== null && ["work saved", percent(1 - ledger.flopsComputed / Math.max(1, ledger.flopsPlain))],
    predicted !== null && ["peak foreseen", bytes(predicted.peakBytes)],
    measured !== null && ["peak measured", bytes(measured.peakBytes)],
  ];
  const list = pairs.filter((pair): pair is readonly [string, string] => pair !== false);
  return element(
    "dl",
    { class: "facts" },
    list.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
}
