/** Expected values: transformers 5.18 `get_scheduler`, 2 warm-up steps of 8. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { learningRateFactor, warmupSteps } from "./schedule.ts";

const steps = Array.from({ length: 9 }, (_, step) => step);

for (const [name, expected] of [
  ["cosine", [0, 0.5, 1, 0.933013, 0.75, 0.5, 0.25, 0.066987, 0]],
  ["linear", [0, 0.5, 1, 0.833333, 0.666667, 0.5, 0.333333, 0.166667, 0]],
  ["constant", [0, 0.5, 1, 1, 1, 1, 1, 1, 1]],
] as const) {
  test(`${name} with a warm-up`, () => {
    const factors = steps.map((step) => learningRateFactor(name, step, { warmup: 2, total: 8 }));
    assert.deepEqual(
      factors.map((factor) => Number(factor.toFixed(6))),
      expected,
    );
  });
}

test("without a warm-up the first step has the full rate", () => {
  for (const name of ["linear", "cosine", "constant"] as const) {
    assert.equal(learningRateFactor(name, 0, { warmup: 0, total: 5 }), 1);
  }
});

test("a warm-up as long as the run, or longer, never divides by zero", () => {
  assert.equal(learningRateFactor("linear", 4, { warmup: 5, total: 5 }), 0.8);
  assert.equal(learningRateFactor("cosine", 7, { warmup: 10, total: 5 }), 0.7);
  assert.equal(learningRateFactor("cosine", 5, { warmup: 5, total: 5 }), 0);
});

test("a number of warm-up steps wins over a ratio, which is rounded up", () => {
  assert.equal(warmupSteps(100, { steps: 7, ratio: 0.5 }), 7);
  assert.equal(warmupSteps(101, { steps: 0, ratio: 0.1 }), 11);
  assert.equal(warmupSteps(101, { steps: 0, ratio: 0 }), 0);
});
