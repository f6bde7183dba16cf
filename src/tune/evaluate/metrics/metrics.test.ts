import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { packageRoot } from "../../../base/package-root.ts";
import { metricsForBestModel } from "../../../base/recipe/metric-names.ts";
import { bootstrapRanking } from "../bootstrap-ranking.ts";
import { Evaluator } from "../classification-report.ts";
import { LabelSetEvaluator } from "../label-sets.ts";
import { measureAll } from "../measure.ts";
import type { MetricValue } from "../metric.ts";
import { metricNamed, metrics } from "../metrics.ts";
import { ScoreTable } from "../score-table.ts";

type Expected = Readonly<Record<string, number | null>>;

/** What `scripts/fixtures/metrics.py` writes; null stands for NaN. */
const {
  singles,
  multis,
}: {
  readonly singles: readonly {
    readonly name: string;
    readonly target: readonly number[];
    readonly probabilities: readonly (readonly number[])[];
    readonly expected: Expected;
  }[];
  readonly multis: readonly {
    readonly name: string;
    readonly truth: readonly (readonly number[])[];
    readonly probabilities: readonly (readonly number[])[];
    readonly expected: Expected;
  }[];
} = JSON.parse(readFileSync(`${packageRoot}src/tune/evaluate/fixtures/metrics.json`, "utf8"));

function namesOf(count: number): string[] {
  return Array.from({ length: count }, (_, c) => `label ${c}`);
}

/** There is exactly what scikit-learn has, no more and no less. */
function assertMetrics(actual: Readonly<Record<string, MetricValue>>, expected: Expected): void {
  assert.deepEqual(Object.keys(actual).toSorted(), Object.keys(expected).toSorted());
  for (const [name, value] of Object.entries(expected)) {
    const found = actual[name]!;
    if (value === null) {
      assert.equal(found.value, null, name);
      assert.match(found.undefined!, /class|label/);
    } else {
      assert.ok(Math.abs(found.value! - value) <= 1e-12, `${name}: ${found.value} is not ${value}`);
    }
  }
}

function evaluatorOf({ target, probabilities }: (typeof singles)[number]): Evaluator {
  const evaluator = new Evaluator(namesOf(probabilities[0]!.length));
  for (const [row, truth] of target.entries()) {
    evaluator.add({ target: truth, probabilities: Float64Array.from(probabilities[row]!), outside: 0 });
  }
  return evaluator;
}

for (const one of singles) {
  test(`one label a row, as scikit-learn: ${one.name}`, () => assertMetrics(evaluatorOf(one).measure(), one.expected));
}

for (const { name, truth, probabilities, expected } of multis) {
  test(`several labels a row, as scikit-learn: ${name}`, () => {
    const evaluator = new LabelSetEvaluator(namesOf(probabilities[0]!.length));
    for (const [row, own] of probabilities.entries()) {
      const answer = [...own.keys()].filter((c) => own[c]! >= 0.5);
      evaluator.add({ truth: truth[row]!, answer, probabilities: Float64Array.from(own), outside: 0 });
    }
    assertMetrics(evaluator.measure(), expected);
  });
}

test("what a run can be judged by is a metric, but for the loss", () => {
  for (const name of metricsForBestModel) if (name !== "loss") assert.equal(metricNamed(name).name, name);
  assert.equal(new Set(metrics.map(({ name }) => name)).size, metrics.length);
});

test("intervals hold what was found, and curves end where they must", () => {
  const { metrics: found, curves, positive } = evaluatorOf(singles[0]!).finish();
  for (const name of ["accuracy", "balanced_accuracy", "f1", "macro_f1", "mcc", "roc_auc", "average_precision"]) {
    const { value, interval } = found![name]!;
    assert.ok(interval![0] < value! && value! < interval![1], name);
  }
  assert.equal(positive, "label 1");
  const { roc, precisionRecall, reliability } = curves!;
  assert.deepEqual([roc.length, precisionRecall.length], [1, 1]);
  assert.deepEqual([roc[0]!.falsePositiveRate[0], roc[0]!.truePositiveRate.at(-1)], [0, 1]);
  assert.deepEqual([precisionRecall[0]!.recall[0], precisionRecall[0]!.precision.at(-1)], [1, 1]);
  assert.equal(
    reliability.counts.reduce((sum, count) => sum + count, 0),
    80,
  );
});

test("bootstrap intervals of ROC AUC are as wide as its standard error says (Hanley and McNeil 1982)", () => {
  const { target, probabilities, expected } = singles[0]!;
  const scores = new ScoreTable(2, false);
  for (const [row, truth] of target.entries()) scores.add(truth, probabilities[row]!);
  const [low, high] = bootstrapRanking(scores, 1, { resamples: 4000 })!.roc_auc;
  const auc = expected.roc_auc!;
  const there = target.filter((truth) => truth === 1).length;
  const absent = target.length - there;
  const [q1, q2] = [auc / (2 - auc), (2 * auc ** 2) / (1 + auc)];
  const spread = auc * (1 - auc) + (there - 1) * (q1 - auc ** 2) + (absent - 1) * (q2 - auc ** 2);
  const width = 2 * 1.96 * Math.sqrt(spread / there / absent);
  assert.ok(Math.abs(high - low - width) < 0.25 * width, `${high - low}, expected about ${width}`);
});

test("more scores than are kept leave the metrics that need them undefined, and no others", () => {
  const scores = new ScoreTable(2, true, 1, 6);
  for (let row = 0; row < 4; row++) scores.add([row % 2], [0.4, 0.6]);
  assert.ok(scores.full);
  const sets = { rows: 4, hits: Float64Array.of(1, 2), given: Float64Array.of(2, 2), there: Float64Array.of(2, 2) };
  const ofRows = { precision: 2, recall: 2, f1: 2 };
  const measured = measureAll({ sets: { ...sets, exact: 2, ofRows }, scores, positive: undefined });
  assert.deepEqual(measured.hamming_loss, { value: 1 / 4 });
  assert.deepEqual(measured.log_loss, { value: null, undefined: "more scores than are kept: give fewer rows" });
});
