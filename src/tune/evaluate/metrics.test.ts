import assert from "node:assert/strict";
import { test } from "node:test";
import { macroAverage, microAverage, weightedAverage } from "./averages.ts";
import { classScores } from "./class-scores.ts";
import { ConfusionMatrix } from "./confusion-matrix.ts";
import { scikitLearn } from "./fixtures/scikit-learn.ts";
import { LogLoss } from "./log-loss.ts";
import { accuracyOf as accuracy } from "./metrics/accuracy.ts";
import { quantile } from "./quantile.ts";

/** A few roundings of float64 in means of some dozen numbers. */
const TOLERANCE = 1e-12;

function assertClose(actual: object, expected: object): void {
  for (const [name, value] of Object.entries(expected) as [string, number][]) {
    const error = Math.abs((actual as Record<string, number>)[name]! - value);
    assert.ok(error <= TOLERANCE, `${name}: ${JSON.stringify(actual)} is not ${value}`);
  }
}

for (const { name, matrix: rows, ...expected } of scikitLearn.cases) {
  test(`metrics equal scikit-learn's: ${name}`, () => {
    const matrix = ConfusionMatrix.from(rows);
    assertClose({ accuracy: accuracy(matrix) }, { accuracy: expected.accuracy });
    assertClose(macroAverage(matrix), expected.macro);
    assertClose(microAverage(matrix), expected.micro);
    assertClose(weightedAverage(matrix), expected.weighted);
    for (const [c, { support, ...scores }] of expected.perClass.entries()) {
      assertClose(classScores(matrix, c), scores);
      assert.equal(matrix.support(c), support);
    }
    const logLoss = new LogLoss();
    for (const [row, target] of expected.target.entries()) logLoss.add(expected.probabilities[row]![target]!);
    assertClose({ logLoss: logLoss.value() }, { logLoss: expected.logLoss });
  });
}

test("counting rows one by one gives the matrix that was counted at once", () => {
  const matrix = new ConfusionMatrix(3);
  for (const [target, predicted] of [
    [0, 0],
    [0, 2],
    [2, 1],
    [0, 2],
  ] as const)
    matrix.add(target, predicted);
  assert.deepEqual(matrix.toRows(), [
    [1, 0, 2],
    [0, 0, 0],
    [0, 1, 0],
  ]);
  assert.deepEqual(ConfusionMatrix.from(matrix.toRows()), matrix);
});

test("an empty matrix has scores of zero, not of NaN", () => {
  const matrix = new ConfusionMatrix(3);
  assert.equal(accuracy(matrix), 0);
  for (const average of [macroAverage, microAverage, weightedAverage]) {
    assert.deepEqual(average(matrix), { precision: 0, recall: 0, f1: 0 });
  }
  assert.equal(new LogLoss().value(), 0);
});

test("a matrix too large to hold is refused before it is allocated", () => {
  assert.throws(() => new ConfusionMatrix(1_000_000), { code: "evaluate/too-many-labels" });
});

test("quantiles equal NumPy's linear ones", () => {
  const values = Float64Array.from(scikitLearn.quantiles.values);
  for (const [q, value] of scikitLearn.quantiles.expected) {
    assertClose({ quantile: quantile(values, q) }, { quantile: value });
  }
});
