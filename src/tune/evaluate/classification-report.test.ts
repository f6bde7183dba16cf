import assert from "node:assert/strict";
import { test } from "node:test";
import { type Evaluation, Evaluator } from "./classification-report.ts";
import { scikitLearn } from "./fixtures/scikit-learn.ts";

for (const { name, target, probabilities, ...expected } of scikitLearn.cases) {
  test(`an evaluation of scored rows equals scikit-learn's: ${name}`, () => {
    const labels = expected.matrix.map((_, c) => `class ${c}`);
    const evaluator = new Evaluator(labels);
    for (const [row, truth] of target.entries()) {
      evaluator.add({ target: truth, probabilities: Float64Array.from(probabilities[row]!), outside: row % 2 });
    }
    const evaluation = evaluator.finish();
    assert.equal(evaluation.rows, target.length);
    assert.deepEqual(evaluation.confusion, { labels, matrix: expected.matrix });
    assert.deepEqual(
      evaluation.perClass.map(({ label, support }) => [label, support]),
      expected.perClass.map(({ support }, c) => [labels[c], support]),
    );
    assert.equal(evaluation.outsideMass, Math.floor(target.length / 2) / target.length);
    const figures = {
      accuracy: expected.accuracy,
      macroF1: expected.macro.f1,
      microF1: expected.micro.f1,
      weightedF1: expected.weighted.f1,
      logLoss: expected.logLoss,
    };
    for (const [figure, value] of Object.entries(figures) as [keyof typeof figures, number][]) {
      assert.ok(Math.abs(evaluation[figure] - value) < 1e-12, `${figure}: ${evaluation[figure]} is not ${value}`);
    }
    const [low, high] = evaluation.accuracyInterval;
    assert.ok(low <= evaluation.accuracy && evaluation.accuracy <= high);
    assert.deepEqual(JSON.parse(JSON.stringify(evaluation)) as Evaluation, evaluation);
  });
}

test("a row without numbers is refused by its number", () => {
  const evaluator = new Evaluator(["yes", "no"]);
  assert.equal(evaluator.add({ target: 0, probabilities: Float64Array.of(0.2, 0.8), outside: 0 }), 1);
  assert.throws(
    () => evaluator.add({ target: 0, probabilities: Float64Array.of(Number.NaN, 1), outside: 0 }),
    (error: Error & { code: string }) => error.code === "evaluate/not-a-number" && error.message.includes("row 2"),
  );
});

test("probabilities that are no distribution are refused", () => {
  const evaluator = new Evaluator(["yes", "no"]);
  assert.throws(() => evaluator.add({ target: 0, probabilities: Float64Array.of(0.2, 0.3), outside: 0.5 }), RangeError);
});

test("an evaluation without rows is refused", () => {
  assert.throws(() => new Evaluator(["yes", "no"]).finish(), { code: "evaluate/no-rows" });
});
