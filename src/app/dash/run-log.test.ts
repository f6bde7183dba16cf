import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RunLog } from "./run-log.ts";

const folder = mkdtempSync(join(tmpdir(), "fettle-run-log-"));
const file = join(folder, "metrics.jsonl");
after(() => rmSync(folder, { recursive: true }));

const step = (number: number, loss: number): string => `${JSON.stringify({ kind: "step", step: number, loss })}\n`;

test("a log is read on as it grows, half lines once they are whole, and from the start when it was cut", () => {
  const log = new RunLog(folder);
  assert.equal(log.update(), false);
  writeFileSync(file, step(1, 5) + step(2, 4).slice(0, 12));
  assert.equal(log.update(), true);
  assert.deepEqual(log.training.thinned(9).loss, { steps: [1], values: [5] });
  appendFileSync(file, `${step(2, 4).slice(12)}no JSON\nnull\n[1]\n{"kind":"unheard of"}\n`);
  log.update();
  assert.deepEqual(log.training.thinned(9).loss, { steps: [1, 2], values: [5, 4] });
  assert.equal(log.update(), false);
  truncateSync(file, step(1, 5).length);
  log.update();
  assert.deepEqual(log.training.thinned(9).loss, { steps: [1], values: [5] });
});

test("what a line holds that is no number is no point", () => {
  writeFileSync(file, `{"kind":"step","step":3,"loss":null,"gradNorm":"1","learningRate":0.5}\n`);
  const log = new RunLog(folder);
  log.update();
  assert.deepEqual(log.training.thinned(9), { learningRate: { steps: [3], values: [0.5] } });
});
