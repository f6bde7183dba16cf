/** Against scikit-learn 1.9.1 on the same rows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LabelSetEvaluator } from "./label-sets.ts";

const truth = [[0, 1], [1, 2], [0, 1], [0, 2], [0], [1, 2], [1, 2], [1, 2], [2], [1], [0, 1, 2], [1, 2]];
const probabilities = [
  [0.5, 0.94, 0.62],
  [0.12, 0.99, 0.86],
  [0.88, 0.99, 0.33],
  [0.96, 0.78, 0.3],
  [0.99, 0.29, 0.38],
  [0.05, 0.9, 0.49],
  [0.77, 0.48, 0.76],
  [0.3, 0.81, 0.4],
  [0.08, 0.65, 0.95],
  [0.47, 0.99, 0.11],
  [0.99, 0.37, 0.99],
  [0.52, 0.81, 0.99],
];

function evaluatorOf(rows: readonly number[]): LabelSetEvaluator {
  const evaluator = new LabelSetEvaluator(["a", "b", "c"]);
  for (const row of rows) {
    const own = probabilities[row]!;
    const answer = [0, 1, 2].filter((c) => own[c]! >= 0.5);
    evaluator.add({ truth: truth[row]!, answer, probabilities: Float64Array.from(own), outside: 0 });
  }
  return evaluator;
}

function assertClose(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}, expected ${expected}`);
}

test("subset accuracy, F1 of all averages, scores by label, log loss", () => {
  const evaluation = evaluatorOf([...truth.keys()]).finish();
  assert.equal(evaluation.rows, 12);
  assertClose(evaluation.accuracy, 0.3333333333333333);
  assertClose(evaluation.microF1, 0.7727272727272727);
  assertClose(evaluation.macroF1, 0.7751322751322752);
  assertClose(evaluation.weightedF1, 0.7673160173160174);
  assertClose(evaluation.logLoss, 0.41349996651057425);
  const expected = [
    { label: "a", precision: 0.7142857142857143, recall: 1, f1: 0.8333333333333334, support: 5 },
    { label: "b", precision: 0.7777777777777778, recall: 0.7777777777777778, f1: 0.7777777777777778, support: 9 },
    { label: "c", precision: 0.8333333333333334, recall: 0.625, f1: 0.7142857142857143, support: 8 },
  ];
  evaluation.perClass.forEach((scores, c) => {
    assert.equal(scores.label, expected[c]!.label);
    for (const key of ["precision", "recall", "f1", "support"] as const) assertClose(scores[key], expected[c]![key]);
  });
  assert.equal(evaluation.confusion, undefined);
});

test("intervals hold the estimate, and shrink to it where all rows are alike", () => {
  const { accuracy, accuracyInterval, macroF1, macroF1Interval } = evaluatorOf([...truth.keys()]).finish();
  assert.ok(accuracyInterval[0] < accuracy && accuracy < accuracyInterval[1]);
  assert.ok(macroF1Interval[0] < macroF1 && macroF1 < macroF1Interval[1]);
  const alike = evaluatorOf([1, 1, 1]).finish();
  assert.deepEqual(alike.accuracyInterval, [1, 1]);
});

test("what is not a number is told, and so is nothing at all", () => {
  const evaluator = new LabelSetEvaluator(["a"]);
  const row = { truth: [0], answer: [0], probabilities: Float64Array.of(Number.NaN), outside: 0 };
  assert.throws(() => evaluator.add(row), { code: "evaluate/not-a-number" });
  assert.throws(() => evaluator.finish(), { code: "evaluate/no-rows" });
});
