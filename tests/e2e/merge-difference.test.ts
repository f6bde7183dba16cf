/** A run with DoRA over 4 bits, merged: what that changes is measured on validation rows, and bounded. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { RunEvent } from "../../src/base/events.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { exportModel, train } from "../../src/index.ts";
import { writeSmallModel } from "../helpers/small-model.ts";

const scratch = mkdtempSync(join(tmpdir(), "fettle-merge-"));
const rows = join(scratch, "rows.jsonl");
const run = join(scratch, "run");
after(() => rmSync(scratch, { recursive: true, force: true }));

before(async () => {
  writeSmallModel(join(scratch, "base"));
  copyFileSync(join(packageRoot, "examples/ag-news/train.jsonl"), rows);
  const recipe = join(scratch, "recipe.yaml");
  writeFileSync(
    recipe,
    `base: ${join(scratch, "base")}
device: cpu
method: qlora
lora: {r: 4, use_dora: true, use_rslora: true, lora_dropout: 0.1, rank_pattern: {q_proj: 2}, bias: all}
data: {train: ${rows}, validation: {fraction: 0.1}, limit: 80}
training: {batch_size: 4, learning_rate: 1e-2}
`,
  );
  await train(recipe, { output: run });
});

test("merged in f32 the answers are the same up to the order of sums, in bf16 up to rounding", async () => {
  const options = { format: "safetensors", device: "cpu" } as const;
  const exact = await exportModel(run, { ...options, dtype: "f32", output: join(scratch, "f32") });
  assert.equal(exact.difference!.rows, 8);
  assert.equal(exact.difference!.of, "log-probabilities");
  assert.ok(exact.difference!.max < 1e-4, `${exact.difference!.max}`);
  const rounded = await exportModel(run, { ...options, dtype: "bf16", output: join(scratch, "bf16") });
  assert.ok(rounded.difference!.mean > exact.difference!.mean);
  assert.ok(rounded.difference!.max < 0.05);
});

test("a GGUF file's rounding is measured too: 16 bits hardly differ, 8 more, 4 most", async () => {
  const means = [];
  for (const dtype of ["f32", "f16", "q8_0", "q4_k"] as const) {
    const output = join(scratch, `gguf-${dtype}`);
    const { difference } = await exportModel(run, { format: "gguf", device: "cpu", dtype, output });
    means.push(difference!.mean);
  }
  assert.deepEqual(
    means,
    means.toSorted((a, b) => a - b),
  );
  assert.ok(means[0]! < 1e-4 && means[3]! > 10 * means[1]!, means.join(", "));
  const output = join(scratch, "gguf-refused");
  const strict = { format: "gguf", device: "cpu", dtype: "q4_k", maxDifference: 1e-9, output } as const;
  await assert.rejects(exportModel(run, strict), /the merged model answers otherwise/);
  assert.equal(existsSync(output), false);
});

test("above the limit nothing is written", async () => {
  const output = join(scratch, "refused");
  const options = { format: "safetensors", device: "cpu", dtype: "bf16", maxDifference: 1e-9, output } as const;
  await assert.rejects(exportModel(run, options), /the merged model answers otherwise/);
  assert.equal(existsSync(output), false);
});

test("without its rows a run is exported all the same, and told so", async () => {
  rmSync(rows);
  const events: RunEvent[] = [];
  const output = join(scratch, "unmeasured");
  const options = {
    format: "safetensors",
    device: "cpu",
    output,
    onEvent: (event: RunEvent) => events.push(event),
  } as const;
  const { difference } = await exportModel(run, options);
  assert.equal(difference, undefined);
  assert.ok(existsSync(join(output, "model.safetensors")));
  assert.ok(events.some((event) => event.kind === "note" && /is not measured/.test(event.message)));
});
