/** The run to take, by validation rows: the test set has no say, so that its figures stay those of rows never chosen by. */
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import { metrics } from "../../tune/evaluate/metrics.ts";
import type { ScoredSet, SweptRun } from "./sweep-result.ts";

/** Of sets without labels: the mean loss of the answers' tokens. */
export const LOSS = "loss";

/** @throws UserError for a metric that there is none of */
export function checkMetric(name: string, where: string): void {
  const names = [LOSS, ...metrics.map((metric) => metric.name)];
  if (names.includes(name)) return;
  throw new UserError({
    code: "sweep/unknown-metric",
    message: `there is no metric "${name}"`,
    where,
    fix: suggestName(name, names),
  });
}

/** The metric to choose by: what was asked for, or what these runs have. Null where no run has been validated. */
export function metricOf(asked: string | undefined, runs: readonly SweptRun[]): string | null {
  const scored = runs.find(({ result }) => result?.validation)?.result?.validation;
  if (!scored) return null;
  return asked ?? (typeof scored.metrics.macro_f1 === "number" ? "macro_f1" : LOSS);
}

/** Name of the best run, the first of equals; null where none has the metric. */
export function chooseBest(runs: readonly SweptRun[], metric: string | null): string | null {
  if (metric === null) return null;
  const sign = isLowerBetter(metric) ? -1 : 1;
  let best: { readonly name: string; readonly value: number } | undefined;
  for (const { name, result } of runs) {
    const value = metricIn(result?.validation, metric);
    if (value !== undefined && (best === undefined || sign * (value - best.value) > 0)) best = { name, value };
  }
  return best?.name ?? null;
}

export function metricIn(scored: ScoredSet | null | undefined, metric: string): number | undefined {
  return scored?.metrics[metric] ?? undefined;
}

function isLowerBetter(name: string): boolean {
  return name === LOSS || metrics.find((metric) => metric.name === name)?.lowerIsBetter === true;
}
