/**
 * GGUF files in llama.cpp: blocks against ggml's own, logits of every family, cut texts.
 *
 * Tolerances are of a logit, against the largest less the smallest of its row. In f32 llama.cpp multiplies as we do, but
 * takes SiLU and GELU from tables of f16, whose rounding is 2^-11 of a value. With weights in f16 it rounds what they are multiplied
 * with to f16 too, with q8_0 and q4_k to 8 bits in blocks, which costs about 1 in 250 each time; with bf16 it rounds to bf16.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportModel } from "../../src/app/api/export.ts";
import { packageRoot } from "../../src/base/package-root.ts";
import type { GgmlType } from "../../src/model/files/gguf-types.ts";
import type { JsonValue } from "../../src/model/files/json-file.ts";
import { type Comparison, within } from "./lib/comparison.ts";
import { compareBlocks } from "./lib/ggml-blocks.ts";
import { type LlamaCppTask, runLlamaCpp } from "./lib/llama-cpp.ts";
import { compareLogits, fettleLogits, type LogitsDifference, type SequenceLogits } from "./lib/logits.ts";
import { fixtureModel, fixtures, someSequences } from "./lib/made-models.ts";
import { compareVocabularies } from "./lib/vocabularies.ts";

const F32_TOLERANCE = 1e-3;

/** Fixtures and what of their config.json llama.cpp cannot be told. */
const families: readonly (readonly [fixture: string, changes: Readonly<Record<string, JsonValue>>])[] = [
  ["llama3_rope", {}],
  ["mistral", {}],
  ["qwen2", {}],
  ["qwen3", {}],
  ["gemma", {}],
  ["gemma2", {}],
  ["gemma3_text", {}],
  ["gpt_bigcode", {}],
  ["gpt_bigcode_heads", { activation_function: "gelu_pytorch_tanh" }],
  ["starcoder2", {}],
];

const nanoTolerances: Readonly<Record<GgmlType, number>> = {
  f32: F32_TOLERANCE,
  f16: 5e-3,
  bf16: 3e-2,
  q8_0: 3e-2,
  q4_k: 0.25,
};

/** A file, and the logits that it is to give. */
interface Exported extends Omit<LlamaCppTask, "texts"> {
  readonly what: string;
  readonly expected: readonly SequenceLogits[];
  readonly tolerance: number;
}

export async function compare(): Promise<readonly Comparison[]> {
  const scratch = mkdtempSync(join(tmpdir(), "fettle-interop-gguf-"));
  try {
    const blocks = compareBlocks();
    const exported: Exported[] = [];
    for (const [fixture, changes] of families) exported.push(...(await exportFamily(fixture, changes, scratch)));
    exported.push(...(await exportNano(scratch)));
    const answers = runLlamaCpp(
      exported.map((task) => ({ ...task, texts: [] })),
      scratch,
    );
    const logits = exported.map((task, i) => row(task, compareLogits(task.expected, answers[i]!.logits)));
    return [...blocks, ...logits, ...(await compareVocabularies(scratch))];
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** The model in f32, and with the fixture's adapter merged in. */
async function exportFamily(
  fixture: string,
  changes: Readonly<Record<string, JsonValue>>,
  scratch: string,
): Promise<Exported[]> {
  const base = fixtureModel(fixture, scratch, changes);
  const adapter = join(fixtures, fixture, "adapter");
  const sequences = someSequences(97);
  const exported: Exported[] = [];
  for (const [what, path, used] of [
    [fixture, base, undefined],
    [`${fixture} + adapter`, adapter, adapter],
  ] as const) {
    const output = join(scratch, `${what.replaceAll(" ", "")}-gguf`);
    const { files } = await exportModel(path, { format: "gguf", dtype: "f32", output, base });
    const expected = await fettleLogits(base, sequences, { adapter: used });
    exported.push({
      what: `${what}, f32`,
      model: ggufIn(output, files),
      sequences,
      expected,
      tolerance: F32_TOLERANCE,
    });
  }
  return exported;
}

async function exportNano(scratch: string): Promise<Exported[]> {
  const folder = join(packageRoot, "models/fettle-nano");
  const sequences = someSequences(8000, [64]);
  const expected = await fettleLogits(folder, sequences);
  const exported: Exported[] = [];
  for (const [dtype, tolerance] of Object.entries(nanoTolerances) as [GgmlType, number][]) {
    const output = join(scratch, `nano-${dtype}`);
    const { files } = await exportModel(folder, { format: "gguf", dtype, output });
    exported.push({ what: `fettle-nano, ${dtype}`, model: ggufIn(output, files), sequences, expected, tolerance });
  }
  return exported;
}

/** The file of an export. */
function ggufIn(folder: string, files: Readonly<Record<string, number>>): string {
  return join(folder, Object.keys(files).find((name) => name.endsWith(".gguf"))!);
}

function row({ what, tolerance }: Exported, { worst, sameTop, rows, divergence }: LogitsDifference): Comparison {
  const compared = within(`llama.cpp: logits of ${what}`, worst, tolerance);
  const top = `same top token ${sameTop}/${rows}, divergence ${divergence.toExponential(1)}`;
  return { ...compared, result: `${compared.result}; ${top}` };
}
