/**
 * DoRA, rsLoRA, trained biases and chosen layers: adapters from Fettle in PEFT and from PEFT in Fettle, by their logits,
 * and what each would learn next, by the gradients.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openReferenceDevice } from "../../src/engine/open-device.ts";
import { toFloats } from "../../src/engine/tensor/tensor.ts";
import { type LoraConfig, loadLora } from "../../src/model/families/lora.ts";
import { openModel } from "../../src/model/families/model.ts";
import { makeTrainable } from "../../src/model/families/parameters.ts";
import { openSafetensors } from "../../src/model/files/safetensors.ts";
import { countTargets, packExamples } from "../../src/tune/data/pack.ts";
import { accumulateGradients } from "../../src/tune/train/loss.ts";
import { plainLora } from "../../tests/helpers/lora-config.ts";
import { type Comparison, within } from "./lib/comparison.ts";
import { compareLogits, fettleLogits, transformersLogits } from "./lib/logits.ts";
import { makeAdapter } from "./lib/made-adapters.ts";
import { fixtureModel, someSequences } from "./lib/made-models.ts";
import { expectPython, runPython } from "./lib/python.ts";

/** Of a logit, against the largest less the smallest of its row. */
const TOLERANCE = 1e-5;
/** Of a gradient, against the largest value of its tensor. */
const GRADIENT_TOLERANCE = 1e-4;

const sequences = someSequences(97, [2, 7, 48]);

const variants: readonly (readonly [family: string, title: string, changes: Partial<LoraConfig>])[] = [
  ["qwen2", "DoRA", { use_dora: true }],
  ["gpt_bigcode", "DoRA", { use_dora: true }],
  ["gemma2", "rank-stabilised DoRA", { use_dora: true, use_rslora: true, r: 8 }],
  [
    "qwen2",
    "DoRA with patterns of ranks",
    { use_dora: true, rank_pattern: { v_proj: 6 }, alpha_pattern: { up_proj: 3 } },
  ],
  ["qwen2", "rsLoRA", { use_rslora: true, r: 8 }],
  ["qwen2", "biases of adapted layers", { bias: "lora_only", target_modules: ["q_proj", "v_proj"] }],
  ["gpt_bigcode", "DoRA and all biases", { use_dora: true, bias: "all", target_modules: ["c_fc", "c_attn"] }],
  ["qwen2", "one layer", { target_modules: ["q_proj", "up_proj"], layers_to_transform: [1], layers_pattern: "layers" }],
];

export async function compare(): Promise<readonly Comparison[]> {
  expectPython(["torch", "transformers", "peft"]);
  const scratch = mkdtempSync(join(tmpdir(), "fettle-interop-dora-"));
  try {
    const gradientsIn = (task: number): string => join(scratch, `gradients-${task}.safetensors`);
    const pairs = variants.map(([family, title, changes], i) => ({
      title: `${family}, ${title}`,
      model: fixtureModel(family, scratch),
      config: { ...plainLora, ...changes },
      fromFettle: join(scratch, `fettle-${i}`),
      fromPeft: join(scratch, `peft-${i}`),
    }));
    for (const { model, config, fromFettle } of pairs) makeAdapter(model, config, fromFettle);
    runPython(
      "dora.py",
      pairs.map(({ model, config, fromPeft: output }) => ({ job: "make", model, config, output })),
    );
    const tasks = pairs.flatMap(({ title, model, fromFettle, fromPeft }, i) => [
      {
        what: `PEFT: an adapter of Fettle's, ${title}`,
        model,
        adapter: fromFettle,
        sequences,
        output: gradientsIn(2 * i),
      },
      {
        what: `Fettle: an adapter of PEFT's, ${title}`,
        model,
        adapter: fromPeft,
        sequences,
        output: gradientsIn(2 * i + 1),
      },
    ]);
    const expected = transformersLogits(tasks, scratch);
    runPython(
      "dora.py",
      tasks.map((task) => ({ job: "gradients", ...task })),
    );
    const rows: Comparison[] = [];
    for (const [i, { what, model, adapter, output }] of tasks.entries()) {
      const { worst } = compareLogits(expected[i]!, await fettleLogits(model, sequences, { adapter }));
      rows.push(within(what, worst, TOLERANCE));
      rows.push(within(`${what}: gradients`, worstGradient(model, adapter, output), GRADIENT_TOLERANCE));
    }
    return rows;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** @param file with PEFT's gradients */
function worstGradient(folder: string, adapter: string, file: string): number {
  const device = openReferenceDevice();
  using model = openModel(folder, device, { format: { kind: "f32" } });
  using lora = loadLora(model, adapter).lora;
  const parameters = lora.parameters();
  makeTrainable(parameters);
  const examples = sequences.map((ids) => ({
    ids: Int32Array.from(ids),
    supervised: Uint8Array.from(ids, (_, at) => (at === 0 ? 0 : 1)),
  }));
  const scale = 1 / countTargets(examples);
  for (const pack of packExamples(examples, { enabled: true, sharePrompts: true, maxTokens: 4096 })) {
    accumulateGradients(model.decoder, pack, scale, { supervisedRowsOnly: true })();
  }
  using expected = openSafetensors(file);
  if (expected.tensors.size !== parameters.size) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (const [name, { gradient }] of parameters) {
    const bytes = expected.read(name);
    const wanted = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
    toFloats(gradient!).forEach((value, i) => {
      const difference = Math.abs(value - wanted[i]!) / largest;
      if (!(difference <= worst)) worst = difference;
    });
  }
  return worst;
}
