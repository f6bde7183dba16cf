import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { Prediction } from "../score/prediction.ts";
import { measureLabels } from "./evaluate-labels.ts";
import { Samples } from "./samples.ts";

function prediction(index: number, targets: readonly number[] | undefined, chosen: readonly number[]): Prediction {
  const row = { index, target: undefined, targets, text: `text ${index}` };
  return { row, logits: [], probabilities: Float64Array.of(0.25, 0.75), outside: 0, predicted: 1, chosen };
}

test("labels are counted as precision, recall and F1 are defined, rows without labels not at all", async () => {
  const rows = [
    prediction(0, [0], [0]),
    prediction(1, [0, 1], [1]),
    prediction(2, [], [0]),
    prediction(3, undefined, [0, 1]),
  ];
  const options = { labels: ["a", "b"], multiLabel: true, total: rows.length, onEvent: () => {} };
  const { standings } = await measureLabels(Readable.from(rows), options);
  assert.deepEqual(standings, {
    a: { precision: 1 / 2, recall: 1 / 2, f1: 1 / 2, support: 2 },
    b: { precision: 1, recall: 1, f1: 1, support: 1 },
  });
});

test("samples are the same rows each time, evenly spread, with the most probable label first", () => {
  const samples = new Samples(["a", "b"], 120);
  for (let index = 0; index < 120; index++) samples.add(prediction(index, [0], [1]));
  assert.equal(samples.list().length, 12);
  assert.deepEqual(samples.list()[1], {
    text: "text 10",
    truth: ["a"],
    given: ["b"],
    probabilities: { b: 0.75, a: 0.25 },
  });
});
