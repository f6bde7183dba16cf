/** Adapters from Fettle in transformers + PEFT, and from PEFT in Fettle: the same logits, in f32 on both sides. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoraConfig } from "../../src/model/families/lora.ts";
import { plainLora } from "../../tests/helpers/lora-config.ts";
import { type Comparison, within } from "./lib/comparison.ts";
import { compareLogits, fettleLogits, transformersLogits } from "./lib/logits.ts";
import { makeAdapter } from "./lib/made-adapters.ts";
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

/** One adapter of each side for the same model. */
interface Pair {
  readonly title: string;
  readonly model: string;
  readonly config: LoraConfig;
  readonly fromFettle: string;
  readonly fromPeft: string;
}

export async function compare(): Promise<readonly Comparison[]> {
  expectPython(["torch", "transformers", "peft"]);
  const scratch = mkdtempSync(join(tmpdir(), "fettle-interop-peft-"));
  try {
    const pairs = [
      ...families.map((family) => pairOf(family, "all linear layers", {}, scratch)),
      ...Object.entries(variants).map(([title, changes]) => pairOf("qwen2", title, changes, scratch)),
    ];
    for (const { model, config, fromFettle } of pairs) makeAdapter(model, config, fromFettle);
    runPython(
      "make_adapter.py",
      pairs.map(({ model, config, fromPeft: output }) => ({ model, config, output })),
    );
    const tasks = pairs.flatMap(({ title, model, fromFettle, fromPeft }) => [
      { what: `PEFT: an adapter of Fettle's, ${title}`, model, adapter: fromFettle, sequences: someSequences(97) },
      { what: `Fettle: an adapter of PEFT's, ${title}`, model, adapter: fromPeft, sequences: someSequences(97) },
    ]);
    const expected = transformersLogits(tasks, scratch);
    const rows: Comparison[] = [];
    for (const [i, { what, model, adapter, sequences }] of tasks.entries()) {
      const { worst } = compareLogits(expected[i]!, await fettleLogits(model, sequences, { adapter }));
      rows.push(within(what, worst, TOLERANCE));
    }
    return rows;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function pairOf(family: string, variant: string, changes: Partial<LoraConfig>, scratch: string): Pair {
  const folder = join(scratch, `${family}-${variant.replaceAll(" ", "-")}`);
  return {
    title: `${family}, ${variant}`,
    model: fixtureModel(family, scratch),
    config: { ...plainLora, ...changes },
    fromFettle: `${folder}-fettle`,
    fromPeft: `${folder}-peft`,
  };
}
