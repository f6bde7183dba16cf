/** Classifiers, whole and as adapters with their head, from Fettle in transformers + PEFT and back: the same logits in f32. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfigJson } from "../../src/model/files/config.ts";
import { answersOf } from "../../src/tune/train/answers.ts";
import {
  type Folders,
  fettleLogits,
  labels,
  makeClassifier,
  makeClassifierAdapter,
  type TransformersLogits,
  worstOf,
} from "./lib/classifiers.ts";
import { type Comparison, within } from "./lib/comparison.ts";
import { fixtureModel, someSequences } from "./lib/made-models.ts";
import { expectPython, runPython } from "./lib/python.ts";

/** Of a logit, against the largest less the smallest of its row: what sums in another order round otherwise. */
const TOLERANCE = 1e-5;

/** By family, layers that PEFT adapts; names of layers differ. */
const families: Readonly<Record<string, readonly string[]>> = {
  llama3_rope: ["q_proj", "v_proj", "down_proj"],
  mistral: ["q_proj", "v_proj"],
  qwen2: ["q_proj", "k_proj", "up_proj"],
  qwen3: ["q_proj", "o_proj"],
  gemma: ["q_proj", "v_proj"],
  gemma2: ["q_proj", "v_proj"],
  gemma3_text: ["q_proj", "v_proj"],
  gpt_bigcode: ["c_attn", "c_fc"],
  starcoder2: ["q_proj", "c_proj"],
};

export async function compare(): Promise<readonly Comparison[]> {
  expectPython(["torch", "transformers", "peft"]);
  const scratch = mkdtempSync(join(tmpdir(), "fettle-interop-classifier-"));
  try {
    return Object.entries(families).flatMap(([family, targets]) => compareFamily(family, targets, scratch));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function compareFamily(family: string, targets: readonly string[], scratch: string): Comparison[] {
  const base = fixtureModel(family, scratch);
  const config = readConfigJson(base);
  // transformers reads a text at its last token that is no padding.
  const pad = config.optionalInteger("pad_token_id");
  const sequences = someSequences(config.integer("vocab_size")).map((ids) => {
    return ids.map((id, i) => (i === ids.length - 1 && id === pad ? id + 1 : id));
  });
  const folder = (name: string): string => join(scratch, `${family}-${name}`);
  makeClassifier(base, folder("fettle"));
  makeClassifierAdapter(base, folder("fettle-adapter"));
  const places: readonly Folders[] = [
    { model: folder("fettle") },
    { model: folder("transformers") },
    { model: base, adapter: folder("fettle-adapter") },
    { model: base, adapter: folder("peft-adapter") },
  ];
  const made = [
    { job: "make_model", base, output: folder("transformers"), labels, problem_type: "multi_label_classification" },
    { job: "make_adapter", base, output: folder("peft-adapter"), labels: labels.length, targets },
  ];
  const asked = places.map((place) => ({ job: "logits", ...place, labels: place.adapter && labels.length, sequences }));
  const theirs = runPython<readonly TransformersLogits[]>("classifiers.py", { jobs: [...made, ...asked] }).slice(2);
  const worst = places.map((place, i) => worstOf(theirs[i]!.logits, fettleLogits(place, sequences)));
  const [written, read] = [theirs[0]!, answersOf({ modelFolder: places[1]!.model, adapterFolder: undefined })];
  const described =
    written.labels.join() === labels.join() &&
    written.problem_type === "single_label_classification" &&
    read.labels?.join() === labels.join() &&
    read.multiLabel;
  return [
    within(`transformers: classifiers both ways, ${family}`, Math.max(worst[0]!, worst[1]!), TOLERANCE),
    within(`PEFT: adapters with a class head both ways, ${family}`, Math.max(worst[2]!, worst[3]!), TOLERANCE),
    {
      what: `transformers: labels and problem type both ways, ${family}`,
      result: described ? "equal" : "differ",
      ok: described,
    },
  ];
}
