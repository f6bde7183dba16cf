/** Classifiers made and scored by Fettle, to be compared with those of transformers and PEFT. */
import { Random } from "../../../src/base/random.ts";
import { openReferenceDevice } from "../../../src/engine/open-device.ts";
import type { Tensor } from "../../../src/engine/tensor/tensor.ts";
import { addLora, loadLora } from "../../../src/model/families/lora.ts";
import { openModel, saveModel } from "../../../src/model/families/model.ts";
import { makeFolder } from "../../../src/model/files/atomic.ts";
import { classifierKeys } from "../../../src/model/files/classifier-config.ts";
import { ClassScorer } from "../../../src/tune/score/class-scorer.ts";
import { answersOf } from "../../../src/tune/train/answers.ts";
import { plainLora } from "../../../tests/helpers/lora-config.ts";

export const labels: readonly string[] = ["fine", "SWC-101", "SWC-107"];

/** What `classifiers.py` computes. */
export interface TransformersLogits {
  readonly logits: readonly (readonly number[])[];
  readonly labels: readonly string[];
  readonly problem_type: string | null;
}

export interface Folders {
  readonly model: string;
  readonly adapter?: string;
}

const head = { labels: labels.length, dense: [], activation: "gelu", dropout: 0 } as const;

/** A whole classifier over a base. */
export function makeClassifier(base: string, output: string): void {
  const device = openReferenceDevice();
  using model = openModel(base, device, { format: { kind: "f32" }, classHead: { config: head, seed: 3 } });
  disturb(model.classHead!.parameters);
  makeFolder(output);
  const pad = model.configJson.optionalInteger("pad_token_id");
  saveModel(model, output, "F32", classifierKeys(model.configJson, labels, "single_label_classification", pad));
}

/** An adapter with its head over a base. */
export function makeClassifierAdapter(base: string, output: string): void {
  const device = openReferenceDevice();
  using model = openModel(base, device, { format: { kind: "f32" }, classHead: { config: head, seed: 3 } });
  using lora = addLora(model, plainLora, 4);
  disturb(model.classHead!.parameters);
  disturb(lora.parameters());
  lora.save(output);
}

/** Values for factors that begin with zeros, and larger ones for the head. */
function disturb(parameters: ReadonlyMap<string, Tensor>): void {
  for (const [name, tensor] of parameters) {
    if (name.endsWith("lora_A.weight")) continue;
    const random = new Random(5, name);
    const values = Float32Array.from({ length: tensor.length }, () => random.normal() * 0.1);
    tensor.device.write(tensor, new Uint8Array(values.buffer));
  }
}

/** By what the folders say, as when a user opens them. */
export function fettleLogits({ model: modelFolder, adapter }: Folders, sequences: readonly number[][]): Float32Array[] {
  const { head: config } = answersOf({ modelFolder, adapterFolder: adapter });
  const device = openReferenceDevice();
  const classHead = { config: config!, seed: undefined };
  using model = openModel(modelFolder, device, { format: { kind: "f32" }, classHead });
  using _lora = adapter === undefined ? undefined : loadLora(model, adapter).lora;
  return new ClassScorer(model.decoder, model.classHead!).score(sequences.map((ids) => Int32Array.from(ids)));
}

/** The worst error, of the largest less the smallest logit of its row: what sums in another order rounds otherwise. */
export function worstOf(expected: readonly (readonly number[])[], actual: readonly Float32Array[]): number {
  let worst = 0;
  expected.forEach((row, i) => {
    const spread = Math.max(...row) - Math.min(...row);
    row.forEach((logit, c) => {
      worst = Math.max(worst, Math.abs(actual[i]![c]! - logit) / spread);
    });
  });
  return worst;
}
