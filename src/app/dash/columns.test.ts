import assert from "node:assert/strict";
import { test } from "node:test";
import { Columns } from "./columns.ts";

test("a hundred thousand points are thinned to a screenful, and every extreme of a stretch is kept", () => {
  const columns = new Columns();
  for (let step = 1; step <= 100_000; step++) columns.add(step, { loss: step === 71_234 ? 9 : Math.sin(step / 9000) });
  const { steps, values } = columns.thinned(1000).loss!;
  assert.ok(steps.length <= 1002);
  assert.equal(values[steps.indexOf(71_234)], 9);
  assert.deepEqual([steps[0], steps.at(-1)], [1, 100_000]);
  assert.deepEqual(
    [...steps].sort((a, b) => a - b),
    steps,
  );
});

test("a step that comes again replaces what came after it", () => {
  const columns = new Columns();
  for (const step of [10, 20, 30, 40]) columns.add(step, { loss: step });
  columns.add(20, { loss: -1 });
  assert.deepEqual(columns.thinned(100).loss, { steps: [10, 20], values: [10, -1] });
});

test("a column that begins late, or has gaps, has the points that there are", () => {
  const columns = new Columns();
  columns.add(1, { loss: 1 });
  columns.add(2, { loss: 2, gpu: 0.5 });
  columns.add(3, { gpu: 0.25 });
  assert.deepEqual(columns.thinned(100), {
    loss: { steps: [1, 2], values: [1, 2] },
    gpu: { steps: [2, 3], values: [0.5, 0.25] },
  });
});
