import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { packageRoot } from "../../../base/package-root.ts";
import { calibrationCurve } from "./calibration-curve.ts";
import { precisionRecallCurve } from "./precision-recall-curve.ts";
import { rocCurve } from "./roc-curve.ts";
import { thinCurve } from "./thin-curve.ts";

type Columns = readonly (readonly (number | null)[])[];

interface Case {
  readonly name: string;
  readonly target: readonly number[];
  readonly score: readonly number[];
  readonly roc: Columns;
  readonly rocDropped: Columns;
  readonly pr: Columns;
  readonly prDropped: Columns;
  readonly calibration: readonly {
    readonly bins: number;
    readonly strategy: "uniform" | "quantile";
    readonly curve: Columns;
  }[];
}

/** What `scripts/fixtures/curves.py` writes; null stands for NaN and infinity. */
const { cases }: { readonly cases: readonly Case[] } = JSON.parse(
  readFileSync(`${packageRoot}src/tune/evaluate/fixtures/curves.json`, "utf8"),
);

function assertColumns(actual: readonly Float64Array[], expected: Columns): void {
  for (const [column, values] of expected.entries()) {
    assert.equal(actual[column]!.length, values.length, `length of column ${column}`);
    for (const [i, value] of values.entries()) {
      const error = Math.abs(actual[column]![i]! - (value ?? Infinity));
      assert.ok(error <= 1e-14 || (value === null && actual[column]![i] === Infinity), `column ${column}, point ${i}`);
    }
  }
}

for (const { name, target, score, calibration, ...curves } of cases) {
  const oneClass = new Set(target).size === 1;

  test(`the ROC curve equals scikit-learn's: ${name}`, () => {
    for (const [dropIntermediate, expected] of [
      [false, curves.roc],
      [true, curves.rocDropped],
    ] as const) {
      const curve = rocCurve(target, score, { dropIntermediate });
      if (oneClass) {
        assert.equal(curve, null);
        assert.ok(expected.some((column) => column.every((value) => value === null)));
      } else {
        assertColumns([curve!.falsePositiveRate, curve!.truePositiveRate, curve!.thresholds], expected);
      }
    }
  });

  test(`the precision-recall curve equals scikit-learn's: ${name}`, () => {
    for (const [dropIntermediate, expected] of [
      [false, curves.pr],
      [true, curves.prDropped],
    ] as const) {
      const { precision, recall, thresholds } = precisionRecallCurve(target, score, { dropIntermediate })!;
      assertColumns([precision, recall, thresholds], expected);
    }
  });

  test(`the calibration curve equals scikit-learn's: ${name}`, () => {
    for (const { bins, strategy, curve } of calibration) {
      const { meanPredicted, fractionOfPositives, counts } = calibrationCurve(target, score, { bins, strategy });
      assertColumns([fractionOfPositives, meanPredicted], curve);
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        target.length,
      );
    }
  });
}

test("without rows there is no curve", () => {
  assert.equal(rocCurve([], []), null);
  assert.equal(precisionRecallCurve([], []), null);
  for (const strategy of ["uniform", "quantile"] as const) {
    assert.equal(calibrationCurve([], [], { strategy }).counts.length, 0);
  }
});

test("what is no number, no probability or no pair is refused with its row", () => {
  for (const curve of [rocCurve, precisionRecallCurve, calibrationCurve]) {
    assert.throws(() => curve([0, 1], [0.5, Number.NaN]), { code: "evaluate/not-a-number", message: /row 2 is NaN/ });
    assert.throws(() => curve([0, 1], [-Infinity, 0.5]), { code: "evaluate/not-a-number" });
    assert.throws(() => curve([0, 1], [0.5]), { code: "evaluate/lengths" });
  }
  assert.throws(() => calibrationCurve([0, 1], [0.5, 1.5]), { code: "evaluate/not-a-probability", message: /row 2/ });
});

test("a thinned curve of a million rows keeps its ends, and leaves no wide gap", () => {
  const rows = 1_000_000;
  const scores = Float64Array.from({ length: rows }, (_, i) => ((i * 7919) % rows) / rows);
  const targets = Uint8Array.from(scores, (score, i) => (((i * 104729) % rows) / rows < score ? 1 : 0));
  const { falsePositiveRate: x, truePositiveRate: y } = rocCurve(targets, scores)!;
  const kept = thinCurve(x, y, 200);
  assert.ok(kept.length <= 200 && kept.length > 100);
  assert.deepEqual([kept[0], kept.at(-1)], [0, x.length - 1]);
  for (const [k, i] of kept.entries()) {
    if (k === 0) continue;
    const before = kept[k - 1]!;
    assert.ok(i > before);
    assert.ok(x[i]! - x[before]! + Math.abs(y[i]! - y[before]!) < 2 * (2 / 199) + 1e-4);
  }
  assert.deepEqual(thinCurve([0, 0.5, 1], [0, 1, 1], 200), [0, 1, 2]);
});
