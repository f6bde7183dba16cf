/** Encoders as classifiers, whole, as adapters and merged, from Fettle in transformers + PEFT and back: the same logits in f32. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportModel } from "../../src/app/api/export.ts";
import { readConfigJson } from "../../src/model/files/config.ts";
import { writeSmallEncoder } from "../../tests/helpers/small-encoder.ts";
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
import { someSequences } from "./lib/made-models.ts";
import { expectPython, runPython } from "./lib/python.ts";

/** Of a logit, against the largest less the smallest of its row. */
const TOLERANCE = 1e-5;

export async function compare(): Promise<readonly Comparison[]> {
  expectPython(["torch", "transformers", "peft"]);
  const scratch = mkdtempSync(join(tmpdir(), "fettle-interop-encoders-"));
  try {
    const compared: Comparison[] = [];
    for (const type of ["bert", "roberta", "modernbert"]) compared.push(...(await compareFamily(type, scratch)));
    return compared;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** The base has neither head nor pooler: an adapter must bring what it needs of them. */
async function compareFamily(type: string, scratch: string): Promise<Comparison[]> {
  const folder = (name: string): string => join(scratch, `${type}-${name}`);
  const base = folder("base");
  writeSmallEncoder(base, ["the", "team", "won"], type);
  const sequences = someSequences(readConfigJson(base).integer("vocab_size"));
  makeClassifier(base, folder("fettle"));
  makeClassifierAdapter(base, folder("fettle-adapter"));
  await exportModel(folder("fettle-adapter"), { format: "safetensors", output: folder("merged"), base });
  const places: readonly Folders[] = [
    { model: folder("fettle") },
    { model: folder("transformers") },
    { model: base, adapter: folder("fettle-adapter") },
    // PEFT saves no pooler: it is that of the model below, with factors on it.
    { model: folder("transformers"), adapter: folder("peft-adapter") },
    { model: folder("merged") },
  ];
  const whole = folder("transformers");
  const made = [
    { job: "make_model", base, output: whole, labels, problem_type: "single_label_classification" },
    { job: "make_adapter", base: whole, output: folder("peft-adapter"), labels: labels.length, targets: "all-linear" },
  ];
  const asked = places.map((place) => ({ job: "logits", ...place, labels: labels.length, sequences }));
  const theirs = runPython<readonly TransformersLogits[]>("classifiers.py", { jobs: [...made, ...asked] }).slice(2);
  const worst = places.map((place, i) => worstOf(theirs[i]!.logits, fettleLogits(place, sequences)));
  const merged = worstOf(theirs[4]!.logits, fettleLogits(places[2]!, sequences));
  return [
    within(`transformers: classifiers both ways, ${type}`, Math.max(worst[0]!, worst[1]!), TOLERANCE),
    within(`PEFT: adapters with a head and a pooler, ${type}`, worst[2]!, TOLERANCE),
    within(`PEFT: its adapters on all linear layers here, ${type}`, worst[3]!, TOLERANCE),
    within(`transformers: an adapter merged here, ${type}`, Math.max(worst[4]!, merged), TOLERANCE),
  ];
}
