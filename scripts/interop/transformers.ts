/** Merged models in transformers: the logits of base and adapter apart. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportModel } from "../../src/app/api/export.ts";
import { train } from "../../src/app/api/train.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import { plainLora } from "../../tests/helpers/lora-config.ts";
import { type Comparison, within } from "./lib/comparison.ts";
import { compareLogits, fettleLogits, type SequenceLogits, transformersLogits } from "./lib/logits.ts";
import { makeAdapter } from "./lib/made-adapters.ts";
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

/** A merged folder, and the logits that it is to give. */
interface Merged {
  readonly what: string;
  readonly folder: string;
  readonly sequences: readonly (readonly number[])[];
  readonly expected: readonly SequenceLogits[];
  readonly tolerance: number;
}

export async function compare(): Promise<readonly Comparison[]> {
  expectPython(["torch", "transformers", "peft"]);
  const scratch = mkdtempSync(join(tmpdir(), "fettle-interop-transformers-"));
  try {
    const merged = [...(await mergeFamilies(scratch)), ...(await mergeNano(scratch)), await mergeQlora(scratch)];
    const logits = transformersLogits(
      merged.map(({ folder: model, sequences }) => ({ model, sequences })),
      scratch,
    );
    return merged.map(({ what, expected, tolerance }, i) =>
      within(`transformers: ${what}`, compareLogits(expected, logits[i]!).worst, tolerance),
    );
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Held against base and adapter apart, in PEFT. */
async function mergeFamilies(scratch: string): Promise<Merged[]> {
  const apart = families.map((family) => ({
    model: fixtureModel(family, scratch),
    adapter: join(fixtures, family, "adapter"),
    sequences: someSequences(97),
  }));
  const expected = transformersLogits(apart, scratch);
  const merged: Merged[] = [];
  for (const [i, { model: base, adapter, sequences }] of apart.entries()) {
    const folder = `${base}-merged`;
    await exportModel(adapter, { format: "safetensors", output: folder, base });
    const what = `${families[i]} merged, against base + adapter in PEFT`;
    merged.push({ what, folder, sequences, expected: expected[i]!, tolerance: F32_TOLERANCE });
  }
  return merged;
}

/** A base in bf16: merged into f32 nothing is lost, into bf16 every weight is rounded. */
async function mergeNano(scratch: string): Promise<Merged[]> {
  const base = join(packageRoot, "models/fettle-nano");
  const adapter = join(scratch, "nano-adapter");
  makeAdapter(base, plainLora, adapter);
  const sequences = someSequences(8000, [64]);
  const expected = await fettleLogits(base, sequences, { adapter });
  const merged: Merged[] = [];
  for (const [dtype, tolerance] of [
    ["f32", F32_TOLERANCE],
    [undefined, BF16_TOLERANCE],
  ] as const) {
    const folder = join(scratch, `nano-${dtype}`);
    await exportModel(adapter, { format: "safetensors", dtype, output: folder, base });
    merged.push({ what: `fettle-nano merged in ${dtype ?? "its bf16"}`, folder, sequences, expected, tolerance });
  }
  return merged;
}

/** A run on 4-bit weights: merged into what is left of the base in 4 bits. */
async function mergeQlora(scratch: string): Promise<Merged> {
  const base = join(packageRoot, "models/fettle-nano");
  const run = await train({
    base,
    method: "qlora",
    data: { train: join(packageRoot, "examples/ag-news/train.jsonl"), limit: 64 },
    training: { learning_rate: 1e-2, num_train_epochs: 1, batch_size: 16 },
    output: join(scratch, "qlora"),
  });
  const folder = join(scratch, "qlora-merged");
  await exportModel(run.folder, { format: "safetensors", dtype: "f32", output: folder });
  const sequences = someSequences(8000, [64]);
  const expected = await fettleLogits(base, sequences, {
    adapter: join(run.folder, "adapter"),
    format: { kind: "nf4", blockSize: 64, doubleQuant: true },
  });
  return { what: "a QLoRA run merged from NF4", folder, sequences, expected, tolerance: F32_TOLERANCE };
}
