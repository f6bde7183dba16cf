/** Adapters from Fettle in transformers + PEFT, and from PEFT in Fettle: the same logits, in f32 on both sides. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoraConfig } from "../../src/model/families/lora.ts";
import { type Comparison, within } from "./lib/comparison.ts";
import { compareLogits, fettleLogits, transformersLogits } from "./lib/logits.ts";
import { makeAdapter, plainLora } from "./lib/made-adapters.ts";
import { fixtureModel, someSequences } from "./lib/made-models.ts";
import { expectPython, runPython } from "./lib/python.ts";

/** Of a logit, against the largest less the smallest of its row: what sums in another order round otherwise. */
const TOLERANCE = 1e-5;

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

/** Ways to scale and to choose layers. */
const variants: Readonly<Record<string, Partial<LoraConfig>>> = {
  rsLoRA: { use_rslora: true },
  "rank and alpha patterns": {
    rank_pattern: { "layers\\.1\\..*up_proj": 2, v_proj: 6 },
    alpha_pattern: { q_proj: 3, ".*down_proj": 20 },
  },
  "some layers": { target_modules: ["q_proj", "v_proj", "down_proj"], exclude_modules: ["layers.0.self_attn.v_proj"] },
  "an expression": { target_modules: ".*layers\\.[02]\\.mlp\\.(up|down)_proj" },
};

export async function compare(): Promise<readonly Comparison[]> {
  expectPython(["torch", "transformers", "peft"]);
  const scratch = mkdtempSync(join(tmpdir(), "fettle-interop-peft-"));
  try {
    const rows: Comparison[] = [];
    for (const family of families) {
      rows.push(await compareBoth(family, "all linear layers", {}, fixtureModel(family, scratch), scratch));
    }
    for (const [title, changes] of Object.entries(variants)) {
      rows.push(await compareBoth("qwen2", title, changes, fixtureModel("qwen2", scratch), scratch));
    }
    return rows;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function compareBoth(
  family: string,
  title: string,
  changes: Partial<LoraConfig>,
  model: string,
  scratch: string,
): Promise<Comparison> {
  const config = { ...plainLora, ...changes };
  const sequences = someSequences(97);
  const folder = join(scratch, `${family}-${title.replaceAll(" ", "-")}`);
  makeAdapter(model, config, `${folder}-fettle`);
  runPython("make_adapter.py", { model, config, output: `${folder}-peft` });
  let worst = 0;
  for (const adapter of [`${folder}-fettle`, `${folder}-peft`]) {
    const expected = transformersLogits(model, sequences, scratch, adapter);
    const difference = compareLogits(expected, await fettleLogits(model, sequences, { adapter }));
    worst = Math.max(worst, difference.worst);
  }
  return within(`PEFT: adapters both ways, ${family}, ${title}`, worst, TOLERANCE);
}
