/**
 * The best evaluation so far, and whether it is time to stop. The rules are transformers' `EarlyStoppingCallback` and
 * `load_best_model_at_end`: best is replaced only by something strictly better; an evaluation counts against the
 * patience unless it beats the best before it by more than the threshold.
 */
import type { EvaluationOptions } from "../../base/recipe/recipe.ts";
import { metricNamed } from "../evaluate/metrics.ts";

export interface BestState {
  /** Null before the first evaluation. */
  readonly best: { readonly step: number; readonly value: number } | null;
  /** Evaluations in a row without improvement. */
  readonly stale: number;
}

export const noBest: BestState = { best: null, stale: 0 };

export interface Verdict {
  readonly state: BestState;
  readonly isBest: boolean;
  readonly stop: boolean;
}

export function judge(before: BestState, step: number, value: number, options: EvaluationOptions): Verdict {
  const { best } = before;
  const metric = options.metric_for_best_model;
  const lowerIsBetter = metric === "loss" || metricNamed(metric).lowerIsBetter === true;
  const gain = Number.isNaN(value)
    ? Number.NaN
    : best === null
      ? Number.POSITIVE_INFINITY
      : lowerIsBetter
        ? best.value - value
        : value - best.value;
  const isBest = gain > 0;
  const improved = isBest && gain > (options.early_stopping?.threshold ?? 0);
  const stale = improved ? 0 : before.stale + 1;
  const state = { best: isBest ? { step, value } : best, stale };
  return { state, isBest, stop: isExhausted(state, options) };
}

/** Whether so many evaluations in a row brought no improvement that training stops, or has stopped. */
export function isExhausted({ stale }: BestState, { early_stopping: early }: EvaluationOptions): boolean {
  return early !== null && stale >= early.patience;
}
