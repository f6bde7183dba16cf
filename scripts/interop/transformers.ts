/** Merged models in transformers: the logits of base and adapter apart. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportModel } from "../../src/app/api/export.ts";
import { train } from "../../src/app/api/train.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { type Comparison, within } from "./lib/comparison.ts";
import { compareLogits, fettleLogits, transformersLogits } from "./lib/logits.ts";
import { makeAdapter, plainLora } from "./lib/made-adapters.ts";
import { fixtureModel, fixtures, someSequences } from "./lib/made-models.ts";
import { expectPython } from "./lib/python.ts";

/** Of a logit, against the largest less the smallest of its row. */
const F32_TOLERANCE = 1e-5;
/** Every merged weight is rounded to 8 bits of fraction. */
const BF16_TOLERANCE = 2e-2;

const families = [
  "llama3_rope",
  "mistral",
  "qwen2",
  "qwen3",
  "gemma",
  "gemma2",
  "gemma3_text",
  "gpt_bigcode",
  "starcoder2",
];

export async function compare(): Promise<readonly Comparison[]> {
  expectPython(["torch", "transformers", "peft"]);
  const scratch = mkdtempSync(join(tmpdir(), "fettle-interop-transformers-"));
  try {
    const rows: Comparison[] = [];
    for (const family of families) rows.push(await compareFamily(family, scratch));
    rows.push(...(await compareNano(scratch)), await compareQlora(scratch));
    return rows;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function compareFamily(family: string, scratch: string): Promise<Comparison> {
  const base = fixtureModel(family, scratch);
  const adapter = join(fixtures, family, "adapter");
  const output = join(scratch, `${family}-merged`);
  await exportModel(adapter, { format: "safetensors", output, base });
  const sequences = someSequences(97);
  const apart = transformersLogits(base, sequences, scratch, adapter);
  const { worst } = compareLogits(apart, transformersLogits(output, sequences, scratch));
  return within(`transformers: ${family} merged, against base + adapter in PEFT`, worst, F32_TOLERANCE);
}

/** A base in bf16: merged into f32 nothing is lost, into bf16 every weight is rounded. */
async function compareNano(scratch: string): Promise<Comparison[]> {
  const base = join(packageRoot, "models/fettle-nano");
  const adapter = join(scratch, "nano-adapter");
  makeAdapter(base, plainLora, adapter);
  const sequences = someSequences(8000, [64]);
  const apart = await fettleLogits(base, sequences, { adapter });
  const rows: Comparison[] = [];
  for (const [dtype, tolerance] of [
    ["f32", F32_TOLERANCE],
    [undefined, BF16_TOLERANCE],
  ] as const) {
    const output = join(scratch, `nano-${dtype}`);
    await exportModel(adapter, { format: "safetensors", dtype, output, base });
    const { worst } = compareLogits(apart, transformersLogits(output, sequences, scratch));
    rows.push(within(`transformers: fettle-nano merged in ${dtype ?? "its bf16"}`, worst, tolerance));
  }
  return rows;
}

/** A run on 4-bit weights: merged into what is left of the base in 4 bits. */
async function compareQlora(scratch: string): Promise<Comparison> {
  const base = join(packageRoot, "models/fettle-nano");
  const run = await train({
    base,
    method: "qlora",
    data: { train: join(packageRoot, "examples/ag-news/train.jsonl"), limit: 64 },
    training: { learning_rate: 1e-2, num_train_epochs: 1, batch_size: 16 },
    output: join(scratch, "qlora"),
  });
  const output = join(scratch, "qlora-merged");
  await exportModel(run.folder, { format: "safetensors", dtype: "f32", output });
  const sequences = someSequences(8000, [64]);
  const apart = await fettleLogits(base, sequences, {
    adapter: join(run.folder, "adapter"),
    format: { kind: "nf4", blockSize: 64, doubleQuant: true },
  });
  const { worst } = compareLogits(apart, transformersLogits(output, sequences, scratch));
  return within("transformers: a QLoRA run merged from NF4", worst, F32_TOLERANCE);
}
