import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluationOf } from "./fixtures/report-data.ts";
import { renderComparisonTable } from "./terminal-table.ts";

const labels = ["World", "a \u001b label"];
const before = evaluationOf(labels, [
  [30, 20],
  [50, 0],
]);
const after = evaluationOf(labels, [
  [45, 5],
  [5, 45],
]);

test("the plain table is aligned text, what decides first", () => {
  const lines = renderComparisonTable(before, after, false).replaceAll("\u00a0", " ").split("\n");
  assert.deepEqual(lines.slice(0, 5), [
    "metric                        base   tuned  change  tuned, 95 % interval",
    "accuracy                    30.0 %  90.0 %   +60.0        84.0 to 95.0 %",
    "balanced accuracy           30.0 %  90.0 %   +60.0        84.0 to 95.5 %",
    "F1 of a � label              0.0 %  90.0 %   +90.0        83.3 to 95.7 %",
    "precision of a � label       0.0 %  90.0 %   +90.0        80.8 to 97.8 %",
  ]);
  const row = (name: string): string => lines.find((line) => line.startsWith(name))!;
  assert.match(row("MCC"), /^MCC +−0\.500 +0\.800 +\+1\.30 +0\.681 to 0\.905$/);
  assert.match(row("log loss"), /^log loss +1\.64 +0\.325 +−1\.32$/);
  assert.deepEqual(lines.slice(-6), [
    "",
    "class      rows  precision  recall  F1 % base  tuned  change",
    "World        50       90.0    90.0       46.2   90.0   +43.8",
    "a � label    50       90.0    90.0        0.0   90.0   +90.0",
    "",
    "100 rows, outside the labels 25.0 → 25.0 %, 250 → 250 rows/s",
  ]);
});

test("without a base there is one side only", () => {
  const lines = renderComparisonTable(undefined, after, false).replaceAll("\u00a0", " ").split("\n");
  assert.match(lines[0]!, /^metric +value +95 % interval$/);
  assert.match(lines[1]!, /^accuracy +90\.0 % +84\.0 to 95\.0 %$/);
  assert.ok(lines.some((line) => /^World +50 +90\.0 +90\.0 +90\.0$/.test(line)));
});

test("a metric that is not defined says why", () => {
  const oneClass = evaluationOf(
    ["yes", "no"],
    [
      [3, 1],
      [0, 0],
    ],
  );
  assert.match(renderComparisonTable(before, oneClass, false), /^ROC AUC +30\.0.% +– +undefined: only one class$/m);
});

test("colours are escape sequences around the same text", () => {
  const colored = renderComparisonTable(before, after, true);
  assert.ok(colored.includes("\u001b[32m+43.8"));
  const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");
  assert.equal(colored.replace(escapes, ""), renderComparisonTable(before, after, false));
});
