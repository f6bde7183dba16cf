import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { RunEvent } from "../../base/events.ts";
import { thinOut } from "./loss-chart.ts";
import { readRunHistory } from "./run-history.ts";

const step = (number: number, loss: number): RunEvent => ({
  kind: "step",
  step: number,
  epoch: 0,
  loss,
  gradNorm: 1,
  learningRate: 1e-3,
  examplesPerSecond: 10,
  tokensPerSecond: 100,
  seconds: number,
  tokens: 100,
  tokensComputed: 90,
});

test("a run that was killed and resumed has one history", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fettle-history-"));
  try {
    const events: RunEvent[] = [
      { kind: "choice", name: "precision", value: "f32", reason: "no AMX" },
      step(1, 3),
      step(2, 2.5),
      step(3, 99),
      { kind: "note", level: "warning", message: "slow" },
      { kind: "note", level: "info", message: "resumed at step 2" },
      { kind: "choice", name: "precision", value: "bf16", reason: "AMX" },
      step(3, 2),
      { kind: "evaluation", step: 3, metrics: { loss: 2.25, accuracy: 0.5 } },
      step(4, Number.NaN),
      { kind: "note", level: "warning", message: "slow" },
    ];
    const lines = events.map((event) => JSON.stringify(event)).join("\n");
    writeFileSync(join(folder, "metrics.jsonl"), `${lines}\n{"kind":"step","ste`);
    assert.deepEqual(await readRunHistory(folder), {
      training: [
        { step: 1, loss: 3 },
        { step: 2, loss: 2.5 },
        { step: 3, loss: 2 },
      ],
      validation: [{ step: 3, loss: 2.25 }],
      choices: [{ name: "precision", value: "bf16", reason: "AMX" }],
      warnings: ["slow"],
      ledger: undefined,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a long curve is thinned to means that keep its last step and its mean", () => {
  const points = Array.from({ length: 1000 }, (_, i) => ({ step: i + 1, loss: i % 2 }));
  const thin = thinOut(points, 100);
  assert.equal(thin.length, 100);
  assert.equal(thin.at(-1)!.step, 1000);
  assert.ok(thin.every(({ loss }) => loss === 0.5));
  assert.equal(thinOut(points, 1000), points);
});
