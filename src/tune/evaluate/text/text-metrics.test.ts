import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { packageRoot } from "../../../base/package-root.ts";
import { TextEvaluator } from "./text-evaluator.ts";
import { textMetrics } from "./text-metrics.ts";

/** What `scripts/fixtures/text_metrics.py` writes. */
const { rows, chrf } = JSON.parse(
  readFileSync(`${packageRoot}src/tune/evaluate/fixtures/text-metrics.json`, "utf8"),
) as {
  readonly rows: readonly (Readonly<Record<string, number>> & { readonly answer: string; readonly expected: string })[];
  readonly chrf: number;
};

function evaluatorOf(pairs: readonly { readonly answer: string; readonly expected: string }[]): TextEvaluator {
  const evaluator = new TextEvaluator({ worst: 3 });
  for (const [i, { answer, expected }] of pairs.entries()) {
    evaluator.add({ where: `rows:${i + 1}`, prompt: "?", answer, expected, unfinished: i === 0 });
  }
  return evaluator;
}

test("each row scores as SQuAD's, KorQuAD's and sacrebleu's evaluations have it", () => {
  for (const row of rows) {
    for (const { name, count, value } of textMetrics) {
      const found = value(count(row.answer, row.expected));
      assert.ok(Math.abs(found - row[name]!) < 1e-12, `${name} of ${row.answer}: ${found}, expected ${row[name]}`);
    }
  }
});

test("a set has the means of its rows and sacrebleu's chrF of a corpus, with intervals and its worst rows", () => {
  const { metrics, worst, unfinished, ...evaluation } = evaluatorOf(rows).finish();
  assert.deepEqual([evaluation.rows, unfinished], [rows.length, 1]);
  for (const { name } of textMetrics) {
    const mean = rows.reduce((sum, row) => sum + row[name]!, 0) / rows.length;
    const { value, interval } = metrics[name]!;
    assert.ok(Math.abs(value - (name === "chrf" ? chrf : mean)) < 1e-12, name);
    assert.ok(interval[0] < value && value < interval[1], name);
  }
  const wrong = rows.filter((row) => row.exact_match === 0).map((row) => row.chrf!);
  assert.deepEqual(
    worst.map((row) => row.chrf.toFixed(9)),
    wrong
      .toSorted((a, b) => a - b)
      .slice(0, 3)
      .map((value) => value.toFixed(9)),
  );
});

test("one right row is right for certain, and no row is refused", () => {
  const { metrics, worst } = evaluatorOf([{ answer: "yes", expected: "yes" }]).finish();
  for (const { name } of textMetrics) assert.deepEqual(metrics[name], { value: 1, interval: [1, 1] });
  assert.deepEqual(worst, []);
  assert.throws(() => new TextEvaluator().finish(), { code: "evaluate/no-rows" });
});
