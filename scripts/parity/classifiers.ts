/** A classifier of the parity layout against a device: logits of each sequence, loss and gradients of all together. */
import { join } from "node:path";
import type { Device } from "../../src/engine/device/device.ts";
import { openModel } from "../../src/model/families/model.ts";
import { openSafetensors } from "../../src/model/files/safetensors.ts";
import { type EncodedExample, packExamples } from "../../src/tune/data/pack.ts";
import { ClassScorer } from "../../src/tune/score/class-scorer.ts";
import { answersOf } from "../../src/tune/train/answers.ts";
import { accumulateGradients } from "../../src/tune/train/loss.ts";
import { classObjective } from "../../src/tune/train/objective.ts";
import { Comparison, type ComparisonRow } from "./comparison.ts";
import { floats, gradientOf, readInputs } from "./models.ts";

const PREFIX = "cls.grad.";

/** Sequence i has label i. */
export function compareClassifier(folder: string, device: Device): ComparisonRow[] {
  using expected = openSafetensors(join(folder, "expected.safetensors"));
  const modelFolder = join(folder, "classifier");
  const { head } = answersOf({ modelFolder, adapterFolder: undefined });
  const classHead = head && { config: head, seed: undefined };
  using model = openModel(modelFolder, device, { format: { kind: "f32" }, classHead });
  const { decoder, parameters } = model;
  for (const tensor of parameters.tensors.values()) tensor.trainable = true;
  const comparison = new Comparison(device.precision);
  const examples = readInputs(expected).map((ids, i): EncodedExample => {
    return { ids, supervised: new Uint8Array(ids.length), labels: [i] };
  });
  const scorer = new ClassScorer(decoder, model.classHead!);
  examples.forEach(({ ids }, i) => {
    const wanted = floats(expected, `cls.logits.${i}`);
    comparison.logits("cls.logits", scorer.score([ids])[0]!, wanted, wanted.length);
  });
  const objective = classObjective(model.classHead!, new Float32Array(head!.labels).fill(1));
  const { pooling } = model.classHead!.parts;
  let sum = 0;
  for (const pack of packExamples(examples, { enabled: true, sharePrompts: true, maxTokens: 4096, pooling })) {
    sum += accumulateGradients(decoder, pack, 1 / examples.length, { supervisedRowsOnly: true, objective })();
  }
  comparison.loss("cls.loss", sum / examples.length, floats(expected, "cls.loss")[0]!);
  for (const key of expected.tensors.keys()) {
    if (!key.startsWith(PREFIX)) continue;
    const tensor = parameters.tensors.get(key.slice(PREFIX.length));
    if (tensor === undefined) throw new Error(`there is no parameter ${key.slice(PREFIX.length)}`);
    comparison.gradient("cls.grad", gradientOf(tensor), floats(expected, key));
  }
  return comparison.rows();
}
