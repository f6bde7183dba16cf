/** fettle-nano learns AG News on CUDA as it does on the CPU: the same rows, the same losses but for rounding. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { fettleJson } from "../helpers/cli.ts";
import { cudaSkip, cudaVariables, onEmulator } from "../helpers/cuda.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-cuda-loss-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** The emulator takes seconds a step. */
const STEPS = onEmulator ? 2 : 200;
const WINDOW = onEmulator ? 1 : 20;
/** By what a window's mean may differ: several times what it does on the CPU between f32 and bf16 products. */
const methods = {
  lora: { learningRate: 1e-3, tolerance: 0.03 },
  full: { learningRate: 5e-4, tolerance: 0.2 },
} as const;

async function losses(device: "cpu" | "cuda", method: keyof typeof methods): Promise<number[]> {
  const recipe = join(scratch, `${device}.yaml`);
  writeFileSync(
    recipe,
    `base: ${join(packageRoot, "models/fettle-nano")}
method: ${method}
device: ${device}
data: {train: ${join(packageRoot, "examples/ag-news/train.jsonl")}}
training: {max_steps: ${STEPS}, batch_size: 16, learning_rate: ${methods[method].learningRate}, logging_steps: 1, warmup_ratio: 0.03}
checkpoints: {save_steps: null}
`,
  );
  const output = join(scratch, `${method}-${device}`);
  await fettleJson(["train", recipe, "--output", output], 0, { env: cudaVariables() });
  const events = readFileSync(join(output, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { kind: string; loss?: number });
  return events.flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
}

function windows(values: readonly number[]): number[] {
  return Array.from(
    { length: values.length / WINDOW },
    (_, i) => values.slice(i * WINDOW, (i + 1) * WINDOW).reduce((sum, value) => sum + value, 0) / WINDOW,
  );
}

describe("fettle-nano on AG News, CUDA beside the CPU", { skip: cudaSkip }, () => {
  for (const method of ["lora", "full"] as const) {
    it(`${method}: the same loss curve for ${STEPS} steps`, async () => {
      const [onCpu, onCuda] = [await losses("cpu", method), await losses("cuda", method)];
      assert.equal(onCuda.length, STEPS);
      const expected = windows(onCpu);
      windows(onCuda).forEach((mean, i) => {
        const error = Math.abs(mean - expected[i]!) / expected[i]!;
        assert.ok(
          error <= methods[method].tolerance,
          `steps from ${i * WINDOW}: ${mean} on CUDA, ${expected[i]} on the CPU`,
        );
      });
    });
  }
});
