import assert from "node:assert/strict";
import { test } from "node:test";
import { Mistakes } from "./mistakes.ts";

test("keeps the surest mistakes, surest first, earlier first among equals", () => {
  const mistakes = new Mistakes(3);
  for (const [row, probability] of [0.5, 0.9, 0.4, 0.9, 0.6, 0.95].entries()) {
    mistakes.add({ text: `row ${row}`, label: "a", predicted: "b", probability });
  }
  assert.deepEqual(
    mistakes.list().map(({ text }) => text),
    ["row 5", "row 1", "row 3"],
  );
});
