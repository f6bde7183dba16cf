import assert from "node:assert/strict";
import { test } from "node:test";
import { recipeSchema } from "../../base/recipe/schema.ts";
import { Plan } from "./plan.ts";

function plan(examples: number, training: object, seed = 1): Plan {
  return new Plan(examples, recipeSchema.parse({ base: "x", training }).training, seed);
}

test("every epoch takes every example once, in an order of its own", () => {
  const epochs = plan(23, { batch_size: 3, gradient_accumulation_steps: 2, num_train_epochs: 2 });
  assert.equal(epochs.stepsPerEpoch, 4);
  assert.equal(epochs.totalSteps, 8);
  const orders = [0, 4].map((first) => [0, 1, 2, 3].flatMap((i) => epochs.at(first + i).batches.flat()));
  for (const order of orders)
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      [...Array(23).keys()],
    );
  assert.notDeepEqual(orders[0], orders[1]);
});

test("a step depends on the seed and its number alone", () => {
  const forward = plan(50, { batch_size: 4 });
  const steps = [0, 1, 2, 13, 14, 30].map((step) => forward.at(step));
  const backward = plan(50, { batch_size: 4 });
  assert.deepEqual(
    [30, 14, 13, 2, 1, 0].map((step) => backward.at(step)),
    steps.toReversed(),
  );
  assert.notDeepEqual(plan(50, { batch_size: 4 }, 2).at(0), steps[0]);
});

test("examples that stay together follow each other in every epoch, each once", () => {
  const begins = [0, 3, 6, 8];
  const { training } = recipeSchema.parse({ base: "x", training: { batch_size: 11 } });
  const together = new Plan(11, training, 1, begins);
  const orders = [0, 1].map((step) => together.at(step).batches.flat());
  for (const order of orders) {
    assert.equal(new Set(order).size, 11);
    for (const [i, example] of order.entries()) {
      assert.ok(begins.includes(example) || order[i - 1] === example - 1, `${order}`);
    }
  }
  assert.notDeepEqual(orders[0], orders[1]);
});

test("batches of a step are its forward passes; the last of an epoch is shorter", () => {
  const short = plan(7, { batch_size: 2, gradient_accumulation_steps: 2, shuffle: false });
  assert.deepEqual(short.at(0).batches, [
    [0, 1],
    [2, 3],
  ]);
  assert.deepEqual(short.at(1).batches, [[4, 5], [6]]);
});

test("max_steps overrides epochs; the warm-up may be a share of all steps, rounded up", () => {
  const limited = plan(100, { batch_size: 10, max_steps: 3, num_train_epochs: 9, warmup_ratio: 0.4 });
  assert.equal(limited.totalSteps, 3);
  assert.equal(limited.warmup, 2);
  assert.equal(plan(100, { batch_size: 10, num_train_epochs: 1.25 }).totalSteps, 13);
});
