/** What a sweep's table shows of its runs, for the terminal and for the page. */
import { metrics } from "../../tune/evaluate/metrics.ts";
import { formatBytes, formatDuration, formatFigure, formatPoints } from "../report/format.ts";
import { LOSS, metricIn } from "./choose-best.ts";
import type { SweepResult, SweptRun } from "./sweep-result.ts";

export interface Column {
  readonly title: string;
  /** Text of a run; empty where it has none. */
  readonly cell: (run: SweptRun) => string;
  /** Figures stand to the right. */
  readonly isFigure: boolean;
}

/** Shown of the test set where they are there. */
const shown: readonly string[] = ["accuracy", "f1", "macro_f1", "micro_f1", "roc_auc", LOSS];

/** The values that were swept, the metric that the best is chosen by, figures of the test set, and the cost. */
export function columnsOf({ axes, metric, runs }: SweepResult): Column[] {
  const names = [...new Set([...axes.map(({ name }) => name), ...runs.flatMap(({ labels }) => Object.keys(labels))])];
  const ofTest = shown.filter((name) => runs.some(({ result }) => metricIn(result?.test, name) !== undefined));
  const figure = (title: string, cell: (run: SweptRun) => string): Column => ({ title, cell, isFigure: true });
  return [
    ...names.map((name) => ({ title: name, cell: ({ labels }: SweptRun) => labels[name] ?? "", isFigure: false })),
    ...(metric === null
      ? []
      : [
          figure(`validation ${titleOf(metric)}`, ({ result }) =>
            formatMetric(metric, metricIn(result?.validation, metric)),
          ),
        ]),
    ...ofTest.map((name) =>
      figure(`test ${titleOf(name)}`, ({ result }) => formatMetric(name, metricIn(result?.test, name))),
    ),
    ...(haveOtherRows(runs) ? [figure("test rows", ({ result }) => `${result?.test?.rows ?? ""}`)] : []),
    figure("time", ({ result }) => (result ? formatDuration(result.seconds) : "")),
    figure("memory", ({ result }) => (result?.peakBytes ? formatBytes(result.peakBytes) : "")),
    figure("trained", ({ result }) => (result ? result.trainableParameters.toLocaleString("en") : "")),
  ];
}

/** Whether runs were scored on different rows: where too long ones are skipped, what is left depends on the settings. */
export function haveOtherRows(runs: readonly SweptRun[]): boolean {
  const counts = (set: "validation" | "test"): number =>
    new Set(runs.flatMap(({ result }) => result?.[set]?.rows ?? [])).size;
  return counts("validation") > 1 || counts("test") > 1;
}

/** For people, with the unit. */
export function titleOf(name: string): string {
  const metric = metrics.find((one) => one.name === name);
  return metric === undefined ? name : `${metric.title}${metric.unit === "plain" ? "" : " %"}`;
}

export function formatMetric(name: string, value: number | undefined): string {
  if (value === undefined) return "";
  const metric = metrics.find((one) => one.name === name);
  return metric === undefined || metric.unit === "plain" ? formatFigure(value) : formatPoints(value);
}
