import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { packageRoot } from "../../../base/package-root.ts";
import type { ThresholdOptions } from "../../../base/recipe/recipe.ts";
import { ScoreTable } from "../score-table.ts";
import { chooseThreshold } from "./choose-threshold.ts";
import { fitDecision } from "./fit-decision.ts";
import { fitTemperature } from "./temperature.ts";

/** What `scripts/fixtures/calibration.py` writes. */
const { singles, several, thresholds } = JSON.parse(
  readFileSync(`${packageRoot}src/tune/evaluate/fixtures/calibration.json`, "utf8"),
) as {
  readonly singles: readonly {
    readonly name: string;
    readonly target: readonly number[];
    readonly logits: readonly (readonly number[])[];
    readonly temperature: number;
    readonly log_loss: number;
  }[];
  readonly several: {
    readonly truth: readonly (readonly number[])[];
    readonly logits: readonly (readonly number[])[];
    readonly temperature: number;
    readonly log_loss: number;
  };
  readonly thresholds: readonly {
    readonly target: readonly number[];
    readonly score: readonly number[];
    readonly f1: number;
    readonly recall: Readonly<Record<string, number>>;
    readonly highestPrecision: number;
    readonly costs: readonly { readonly fp: number; readonly fn: number; readonly least: number }[];
  }[];
};

const rule: ThresholdOptions = {
  choose: "f1",
  min_precision: 0.9,
  false_positive: 1,
  false_negative: 1,
  cost_matrix: null,
};

function tableOf(truth: readonly (number | readonly number[])[], logits: readonly (readonly number[])[]): ScoreTable {
  const table = new ScoreTable(logits[0]!.length, typeof truth[0] !== "number");
  for (const [row, own] of logits.entries()) table.add(truth[row]!, own);
  return table;
}

const near = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.abs(expected), `${actual}, expected ${expected}`);

test("the temperature is the one of least log loss, as SciPy finds it", () => {
  for (const { target, logits, temperature, log_loss } of singles) {
    const found = fitTemperature(tableOf(target, logits));
    near(found.temperature, temperature, 1e-6);
    assert.equal(found.limit, undefined);
    const names = logits[0]!.map((_, c) => String(c));
    const fitted = fitDecision(tableOf(target, logits), names, undefined, {
      calibration: "temperature",
      threshold: null,
    });
    near(fitted.after.log_loss!.value!, log_loss, 1e-9);
    assert.ok(fitted.before.log_loss!.value! > log_loss);
    assert.equal(fitted.after.accuracy!.value, fitted.before.accuracy!.value, "a temperature changes no answer");
  }
  const table = tableOf(several.truth, several.logits);
  near(fitTemperature(table).temperature, several.temperature, 1e-6);
  const fitted = fitDecision(table, ["a", "b", "c"], undefined, { calibration: "temperature", threshold: null });
  near(fitted.after.log_loss!.value!, several.log_loss, 1e-9);
});

test("answers that bound no temperature leave it alone, hopeless ones give the highest", () => {
  const right = fitTemperature(
    tableOf(
      [0, 1],
      [
        [2, 1],
        [-1, 3],
      ],
    ),
  );
  assert.equal(right.temperature, 1);
  assert.match(right.limit!, /every answer is right/);
  assert.equal(fitTemperature(tableOf([[0], []], [[2], [-1]])).temperature, 1);
  const wrong = fitTemperature(
    tableOf(
      [1, 0],
      [
        [2, 1],
        [-1, 3],
      ],
    ),
  );
  assert.equal(wrong.temperature, 20);
  assert.match(wrong.limit!, /no better than chance/);
  assert.match(fitTemperature(new ScoreTable(2, false)).limit!, /no rows/);
  assert.equal(
    fitTemperature(
      tableOf(
        [0, 1],
        [
          [1, 1],
          [1, 1],
        ],
      ),
    ).temperature,
    1,
  );
  const impossible = fitTemperature(
    tableOf(
      [0, 1, 0],
      [
        [3, -Infinity],
        [2, 1],
        [1, 2],
      ],
    ),
  );
  assert.ok(Number.isFinite(impossible.temperature));
});

/** Counts at a threshold. */
function at(
  threshold: number,
  target: readonly number[],
  score: readonly number[],
): Record<"tp" | "fp" | "fn", number> {
  const counts = { tp: 0, fp: 0, fn: 0 };
  for (const [row, truth] of target.entries()) {
    if (score[row]! >= threshold) counts[truth ? "tp" : "fp"]++;
    else if (truth) counts.fn++;
  }
  return counts;
}

test("no threshold is better than the one chosen, by F1, recall at a precision, or cost", () => {
  for (const { target, score, f1, recall, highestPrecision, costs } of thresholds) {
    const best = chooseThreshold(target, score, rule, 0.5);
    const { tp, fp, fn } = at(best.threshold, target, score);
    near((2 * tp) / (2 * tp + fp + fn), f1, 1e-12);
    assert.ok(!score.includes(best.threshold), "no row lies on the threshold");
    for (const [least, expected] of Object.entries(recall)) {
      const asked = { ...rule, choose: "recall_at_precision", min_precision: Number(least) } as const;
      const { threshold, limit } = chooseThreshold(target, score, asked, 0.5);
      const found = at(threshold, target, score);
      if (expected < 0) {
        assert.match(limit!, /no threshold has a precision of/);
        near(found.tp / (found.tp + found.fp), highestPrecision, 1e-12);
      } else {
        assert.equal(limit, undefined);
        assert.ok(found.tp / (found.tp + found.fp) >= Number(least));
        near(found.tp / (found.tp + found.fn), expected, 1e-12);
      }
    }
    for (const { fp: false_positive, fn: false_negative, least } of costs) {
      const asked = { ...rule, choose: "cost", false_positive, false_negative } as const;
      const found = at(chooseThreshold(target, score, asked, 0.5).threshold, target, score);
      assert.equal(false_positive * found.fp + false_negative * found.fn, least);
    }
  }
});

test("where nothing can be chosen, the usual threshold is kept", () => {
  assert.match(chooseThreshold([0, 0], [0.2, 0.7], rule, 0.5).limit!, /no row has the label/);
  assert.equal(chooseThreshold([0, 0], [0.2, 0.7], rule, 0.5).threshold, 0.5);
  assert.equal(chooseThreshold([], [], { ...rule, choose: "cost" }, 0.5).threshold, 0.5);
  assert.equal(chooseThreshold([0, 1], [0.2, 0.9], rule, 0.5).threshold, 0.5, "it is as good as any");
  const never = { ...rule, choose: "cost", false_positive: 9 } as const;
  assert.ok(chooseThreshold([0, 1, 0], [1, 1, 1], never, 0.5).threshold > 1);
});

test("costs: a threshold for two labels, the least expected cost for more, per label for several", () => {
  const { target, logits } = singles[2]!;
  const costly: ThresholdOptions = { ...rule, choose: "cost", false_negative: 10 };
  const two = fitDecision(tableOf(target, logits), ["no", "yes"], 1, { calibration: null, threshold: costly });
  assert.ok(two.decision.threshold! < 0.5);
  assert.ok(two.cost!.after < two.cost!.before);
  assert.ok(two.after.recall!.value! >= two.before.recall!.value!);
  const turned = fitDecision(tableOf(target, logits), ["no", "yes"], 0, { calibration: null, threshold: costly });
  assert.equal(turned.decision.positive, 0);
  const { target: of, logits: given } = singles[0]!;
  const matrix = { a: { b: 20, c: 20, d: 20 } };
  const four = fitDecision(tableOf(of, given), ["a", "b", "c", "d"], undefined, {
    calibration: "temperature",
    threshold: { ...costly, cost_matrix: matrix },
  });
  assert.deepEqual(four.decision.costs, [
    [0, 20, 20, 20],
    [1, 0, 1, 1],
    [1, 1, 0, 1],
    [1, 1, 1, 0],
  ]);
  assert.ok(four.cost!.after < four.cost!.before);
  const table = tableOf(several.truth, several.logits);
  const each = fitDecision(table, ["a", "b", "c"], undefined, { calibration: null, threshold: rule });
  assert.equal(each.decision.thresholds.length, 3);
  assert.ok(each.after.macro_f1!.value! > each.before.macro_f1!.value!);
});
