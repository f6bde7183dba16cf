import assert from "node:assert/strict";
import { test } from "node:test";
import type { EvaluationOptions } from "../../base/recipe/recipe.ts";
import { judge, noBest } from "./early-stopping.ts";

const options: EvaluationOptions = {
  eval_steps: 10,
  eval_samples: null,
  metric_for_best_model: "loss",
  early_stopping: { patience: 2, threshold: 0.1 },
  load_best_model_at_end: true,
  positive_label: null,
  calibration: null,
  threshold: null,
};

/** What transformers' callback and best-model rule say to a course of values, step 10, 20, …. */
function course(
  values: readonly number[],
  changed: Partial<EvaluationOptions> = {},
): { best: number; stoppedAt: number } {
  let state = noBest;
  for (const [i, value] of values.entries()) {
    const verdict = judge(state, (i + 1) * 10, value, { ...options, ...changed });
    state = verdict.state;
    if (verdict.stop) return { best: state.best!.step, stoppedAt: (i + 1) * 10 };
  }
  return { best: state.best!.step, stoppedAt: 0 };
}

test("an evaluation counts against the patience unless it beats the best by more than the threshold", () => {
  assert.deepEqual(course([1, 0.5, 0.45, 0.44]), { best: 40, stoppedAt: 40 });
  assert.deepEqual(course([1, 0.5, 0.45, 0.3, 0.31, 0.32]), { best: 40, stoppedAt: 60 });
});

test("best is replaced only by something strictly better", () => {
  assert.deepEqual(course([0.5, 0.5, 0.5], { early_stopping: null }), { best: 10, stoppedAt: 0 });
});

test("accuracy is better when larger", () => {
  assert.deepEqual(course([0.5, 0.9, 0.7, 0.8], { metric_for_best_model: "accuracy" }), { best: 20, stoppedAt: 40 });
});
