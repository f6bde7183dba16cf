import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../base/random.ts";
import { macroAverage } from "./averages.ts";
import { sampleBinomial } from "./binomial.ts";
import { bootstrap } from "./bootstrap.ts";
import { ConfusionMatrix } from "./confusion-matrix.ts";
import { scikitLearn } from "./fixtures/scikit-learn.ts";
import { accuracyOf as accuracy } from "./metrics/accuracy.ts";

const macroF1 = (matrix: ConfusionMatrix): number => macroAverage(matrix).f1;

for (const { trials, p, edges, cumulative } of scikitLearn.binomials) {
  test(`binomial draws follow the distribution: ${trials} trials of ${p}`, () => {
    const draws = 200_000;
    const random = new Random(7, "binomial");
    const atMost = new Float64Array(edges.length);
    for (let draw = 0; draw < draws; draw++) {
      const k = sampleBinomial(random, trials, p);
      assert.ok(Number.isInteger(k) && k >= 0 && k <= trials);
      for (let i = 0; i < edges.length; i++) if (k <= edges[i]!) atMost[i]!++;
    }
    // Kolmogorov and Smirnov's bound: a right sampler stays below it in 9,999 of 10,000 streams.
    for (const [i, expected] of cumulative.entries()) {
      assert.ok(Math.abs(atMost[i]! / draws - expected) < 2.23 / Math.sqrt(draws), `P(k <= ${edges[i]})`);
    }
  });
}

test("binomial draws at the ends are certain", () => {
  const random = new Random(1);
  assert.equal(sampleBinomial(random, 0, 0.5), 0);
  assert.equal(sampleBinomial(random, 12, 0), 0);
  assert.equal(sampleBinomial(random, 12, 1), 12);
});

for (const [i, { matrix: rows, intervals }] of scikitLearn.bootstraps.entries()) {
  test(`intervals equal those of resampled rows: matrix ${i}`, () => {
    const matrix = ConfusionMatrix.from(rows);
    const actual = bootstrap(matrix, { accuracy, macroF1 }, { resamples: 20_000 });
    // Both sides are quantiles of 20,000 draws; an accuracy moves in steps of one row.
    const tolerances = { accuracy: 1 / matrix.total, macroF1: 0.005 };
    for (const name of ["accuracy", "macroF1"] as const) {
      for (const end of [0, 1] as const) {
        const error = Math.abs(actual[name][end] - intervals[name][end]);
        assert.ok(error <= tolerances[name] + 1e-12, `${name}: ${actual[name]} is not ${intervals[name]}`);
      }
    }
  });
}

test("the same seed gives the same intervals, another seed others", () => {
  const matrix = ConfusionMatrix.from(scikitLearn.bootstraps[0]!.matrix);
  const intervalOf = (seed: number) => bootstrap(matrix, { macroF1 }, { seed }).macroF1;
  assert.deepEqual(intervalOf(1), intervalOf(1));
  assert.notDeepEqual(intervalOf(1), intervalOf(2));
});

test("a perfect answer leaves no doubt that resampling could show", () => {
  const { accuracy: interval } = bootstrap(
    ConfusionMatrix.from([
      [5, 0],
      [0, 3],
    ]),
    { accuracy },
  );
  assert.deepEqual(interval, [1, 1]);
});
