/** A model folder of the parity layout against a device: logits, loss, gradients, the AdamW step, LoRA. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Device } from "../../src/engine/device/device.ts";
import { createOptimizer } from "../../src/engine/optim/optimizer.ts";
import { scope } from "../../src/engine/tensor/scope.ts";
import { type Tensor, toFloats } from "../../src/engine/tensor/tensor.ts";
import type { Decoder } from "../../src/model/families/decoder.ts";
import { loadLora } from "../../src/model/families/lora.ts";
import { openModel } from "../../src/model/families/model.ts";
import { openSafetensors, type SafetensorsFile } from "../../src/model/files/safetensors.ts";
import { countTargets, type EncodedExample, packExamples } from "../../src/tune/data/pack.ts";
import { accumulateGradients } from "../../src/tune/train/loss.ts";
import { Comparison, type ComparisonRow } from "./comparison.ts";

const IGNORED = -100;

/** Compares everything that `folder` holds expectations for and that the code has. */
export function compareModel(folder: string, device: Device): ComparisonRow[] {
  using expected = openSafetensors(join(folder, "expected.safetensors"));
  const examples = readExamples(expected);
  const rows = compareFull(folder, device, expected, examples);
  if (existsSync(join(folder, "adapter"))) rows.push(...compareLora(folder, device, expected, examples));
  if (existsSync(join(folder, "adapter-dora"))) rows.push(...compareDora(folder, device, expected, examples));
  return rows;
}

function compareFull(
  folder: string,
  device: Device,
  expected: SafetensorsFile,
  examples: readonly EncodedExample[],
): ComparisonRow[] {
  using model = openModel(join(folder, "model"), device, { format: { kind: "f32" } });
  const { tensors } = model.parameters;
  const comparison = compareOutputs("full", model.decoder, tensors, examples, expected);
  for (const [name, tensor] of tensors) {
    const gradient = gradientOf(tensor);
    comparison.norm("full.gradnorm", gradient, floats(expected, `full.gradnorm.${name}`)[0]!);
    if (expected.tensors.has(`full.grad.${name}`)) {
      comparison.gradient("full.grad", gradient, floats(expected, `full.grad.${name}`));
    }
  }
  const optimizer = createOptimizer({
    kind: "adamw",
    parameters: tensors,
    betas: [0.9, 0.999],
    eps: 1e-8,
    weightDecay: 0.01,
    decay: () => true,
    seed: 1,
  });
  optimizer.step(1e-3, 1);
  for (const [name, tensor] of tensors) {
    const key = `full.adamw1.${name}`;
    if (!expected.tensors.has(key)) continue;
    comparison.parameter("full.adamw1", toFloats(tensor), floats(expected, key), gradientOf(tensor));
  }
  optimizer[Symbol.dispose]();
  return comparison.rows();
}

function compareLora(
  folder: string,
  device: Device,
  expected: SafetensorsFile,
  examples: readonly EncodedExample[],
): ComparisonRow[] {
  using model = openModel(join(folder, "model"), device, { format: { kind: device.precision } });
  using lora = loadLora(model, join(folder, "adapter")).lora;
  const parameters = lora.parameters();
  const comparison = compareOutputs("lora", model.decoder, parameters, examples, expected);
  for (const [name, tensor] of parameters) {
    const key = `lora.grad.base_model.model.${name.replace(/\.(lora_[AB])\./, ".$1.default.")}`;
    comparison.gradient("lora.grad", gradientOf(tensor), floats(expected, key));
  }
  return comparison.rows();
}

function compareDora(
  folder: string,
  device: Device,
  expected: SafetensorsFile,
  examples: readonly EncodedExample[],
): ComparisonRow[] {
  using model = openModel(join(folder, "model"), device, { format: { kind: device.precision } });
  using lora = loadLora(model, join(folder, "adapter-dora")).lora;
  return compareOutputs("dora", model.decoder, lora.parameters(), examples, expected).rows();
}

/** Logits and loss; the gradients of `parameters` are left in them. */
function compareOutputs(
  kind: "full" | "lora" | "dora",
  decoder: Decoder,
  parameters: ReadonlyMap<string, Tensor>,
  examples: readonly EncodedExample[],
  expected: SafetensorsFile,
): Comparison {
  for (const tensor of parameters.values()) tensor.trainable = true;
  const comparison = new Comparison(decoder.device.precision);
  examples.forEach((example, i) => {
    const logits = scope(() => {
      const [pack] = packExamples([example], { enabled: false, sharePrompts: false, maxTokens: 4096 });
      return decoder.logits(decoder.hidden(pack!));
    });
    comparison.logits(`${kind}.logits`, logits, floats(expected, `${kind}.logits.${i}`), decoder.config.vocabSize);
  });
  comparison.loss(`${kind}.loss`, meanLoss(decoder, examples), floats(expected, `${kind}.loss`)[0]!);
  return comparison;
}

/** Mean over the targets of all examples, packed together; gradients are left in the parameters. */
function meanLoss(decoder: Decoder, examples: readonly EncodedExample[]): number {
  const targets = countTargets(examples);
  let sum = 0;
  for (const pack of packExamples(examples, { enabled: true, sharePrompts: true, maxTokens: 4096 })) {
    sum += accumulateGradients(decoder, pack, 1 / targets, { supervisedRowsOnly: true })();
  }
  return sum / targets;
}

/** The sequences that the expectations are for. */
export function readInputs(expected: SafetensorsFile): Int32Array[] {
  const inputs: Int32Array[] = [];
  while (expected.tensors.has(`input.${inputs.length}`)) inputs.push(integers(expected, `input.${inputs.length}`));
  return inputs;
}

function readExamples(expected: SafetensorsFile): EncodedExample[] {
  return readInputs(expected).map((ids, i) => {
    const labels = integers(expected, `labels.${i}`);
    return { ids, supervised: Uint8Array.from(labels, (label) => (label === IGNORED ? 0 : 1)) };
  });
}

function integers(file: SafetensorsFile, name: string): Int32Array {
  const bytes = file.read(name);
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** What was accumulated for a parameter. */
export function gradientOf({ gradient }: Tensor): Float32Array {
  return toFloats(gradient!);
}

/** A tensor of f32. */
export function floats(file: SafetensorsFile, name: string): Float32Array {
  const bytes = file.read(name);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
