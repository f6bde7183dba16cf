import type { Clusters } from "../clusters.ts";
import type { ResampleOptions } from "../resample.ts";
import type { Matched, MatchedPair } from "./alert-comparison.ts";
import { Figures } from "./alert-figures.ts";
import { partsOf } from "./alert-parts.ts";
import type { AlertTable, AlertTool } from "./alert-table.ts";
import { drawSums } from "./drawn-sums.ts";
import { type MovableAlerts, type MovedAlerts, moveThresholds, type Respect } from "./move-thresholds.ts";

/**
 * A model with its thresholds moved to be like a tool in one respect, for all labels together, those that the tool has rules
 * for, and each of these by itself. Intervals hold the thresholds fixed.
 */
export function matchPair(
  respect: Respect,
  { labels, targets }: AlertTable,
  model: MovableAlerts,
  tool: AlertTool,
  clusters: Clusters,
  options: ResampleOptions,
): MatchedPair {
  const parts = partsOf(tool);
  const judged = { labels: labels.length, targets, tool: tool.answers };
  const move = (of: readonly number[]): MovedAlerts | undefined => moveThresholds(respect, model, judged, of);
  const single = parts.single.map(move);
  const [all, covered] = [move(parts.all), parts.covered && move(parts.covered)];
  const silent = new Uint8Array(targets.length);
  const answers = [all?.answers ?? silent, covered?.answers ?? silent, merged(single, targets.length)];
  const subjects = [tool, ...answers.map((one) => ({ answers: one }))];
  const sums = drawSums(targets, labels.length, subjects, clusters, options);
  const matched = (of: readonly number[], subject: number, own: MovedAlerts | undefined): Matched => {
    const other = new Figures(sums, 0, of);
    const figures = new Figures(sums, subject, of);
    const unknown = { value: null, interval: null };
    return {
      threshold: own?.threshold ?? null,
      tool: other.figures(),
      model: own === undefined ? null : figures.figures(),
      precision: own === undefined ? unknown : figures.above(other, "precision"),
      recall: own === undefined ? unknown : figures.above(other, "recall"),
    };
  };
  return {
    chosenOn: respect === "alerts" ? "alerts" : model.validation ? "validation rows" : "judged rows",
    overall: matched(parts.all, 1, all),
    covered: parts.covered ? matched(parts.covered, 2, covered) : null,
    perClass: parts.single.map((of, i) => ({ label: labels[of[0]]!, ...matched(of, 3, single[i]) })),
  };
}

/** Alerts of several labels, each moved by itself. */
function merged(parts: readonly (MovedAlerts | undefined)[], length: number): Uint8Array {
  return new Uint8Array(length).map((_, at) => (parts.some((part) => part?.answers[at] === 1) ? 1 : 0));
}
