import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluationOf } from "./fixtures/report-data.ts";
import { renderComparisonTable } from "./terminal-table.ts";

const labels = ["World", "a \u001b[2J label"];
const before = evaluationOf(labels, [
  [30, 20],
  [50, 0],
]);
const after = evaluationOf(labels, [
  [45, 5],
  [5, 45],
]);

test("the plain table is aligned text", () => {
  assert.deepEqual(renderComparisonTable(before, after, false).split("\n"), [
    "class         rows  precision  recall  F1 % base  tuned  change",
    "World           50       90.0    90.0       46.2   90.0   +43.8",
    "a �[2J label    50       90.0    90.0        0.0   90.0   +90.0",
    "accuracy       100                          30.0   90.0   +60.0",
    "macro F1       100                          23.1   90.0   +66.9",
    "log loss 1.64 → 0.325, outside the labels 25.0 → 25.0 %, 250 → 250 rows/s",
  ]);
});

test("without a base there is one side only", () => {
  const [head, world] = renderComparisonTable(undefined, after, false).split("\n");
  assert.match(head!, /^class +rows +precision +recall +F1 %$/);
  assert.match(world!, /^World +50 +90\.0 +90\.0 +90\.0$/);
});

test("colours are escape sequences around the same text", () => {
  const colored = renderComparisonTable(before, after, true);
  assert.ok(colored.includes("\u001b[32m+43.8"));
  const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");
  assert.equal(colored.replace(escapes, ""), renderComparisonTable(before, after, false));
});
