/**
 * Tests of what packing promises: the loss and the gradients of one example at a time, whatever is shared, skipped or
 * recomputed.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { packageRoot } from "../../src/base/package-root.ts";
import { Random } from "../../src/base/random.ts";
import type { Device } from "../../src/engine/device/device.ts";
import { scope } from "../../src/engine/tensor/scope.ts";
import { release, toFloats } from "../../src/engine/tensor/tensor.ts";
import { addLora } from "../../src/model/families/lora.ts";
import { type Model, openModel } from "../../src/model/families/model.ts";
import { countTargets, type EncodedExample, packExamples } from "../../src/tune/data/pack.ts";
import { accumulateGradients, type PackLossOptions } from "../../src/tune/train/loss.ts";
import { plainLora } from "./lora-config.ts";

const folder = join(packageRoot, "tests/fixtures/parity/qwen3/model");
const vocabulary = 256;

/** A prompt that all share, an own part, an answer of four tokens. */
function examples(): EncodedExample[] {
  const shared = new Random(1);
  const prompt = Array.from({ length: 37 }, () => shared.integer(vocabulary));
  return [5, 18, 1, 30, 11].map((own, seed) => {
    const random = new Random(seed + 2);
    const ids = Int32Array.from([...prompt, ...Array.from({ length: own + 4 }, () => random.integer(vocabulary))]);
    return { ids, supervised: Uint8Array.from(ids, (_, i) => (i >= ids.length - 4 ? 1 : 0)) };
  });
}

interface Layout {
  readonly enabled: boolean;
  readonly sharePrompts: boolean;
  readonly maxTokens: number;
}

const alone: Layout = { enabled: false, sharePrompts: false, maxTokens: 4096 };
const plain: PackLossOptions = { supervisedRowsOnly: false };

interface Outcome {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

function lossAndGradients(device: Device, method: "full" | "lora", layout: Layout, options: PackLossOptions): Outcome {
  using model = openModel(folder, device, { format: { kind: method === "full" ? "f32" : device.precision } });
  using lora = method === "lora" ? nonZeroLora(model) : undefined;
  const parameters = lora ? lora.parameters() : model.parameters.tensors;
  for (const tensor of parameters.values()) tensor.trainable = true;
  const all = examples();
  const targets = countTargets(all);
  let sum = 0;
  for (const pack of packExamples(all, layout)) {
    sum += accumulateGradients(model.decoder, pack, 1 / targets, options)();
  }
  const gradients = new Map([...parameters].map(([name, { gradient }]) => [name, toFloats(gradient!)]));
  for (const tensor of parameters.values()) {
    release(tensor.gradient!);
    tensor.gradient = undefined;
  }
  return { loss: sum / targets, gradients };
}

/** B is zero in a fresh adapter, which would hide every gradient of A. */
function nonZeroLora(model: Model): ReturnType<typeof addLora> {
  const lora = addLora(model, plainLora, 3);
  for (const [name, tensor] of lora.parameters()) {
    if (!name.includes("lora_B")) continue;
    const random = new Random(4, name);
    const values = Float32Array.from({ length: tensor.length }, () => random.normal() * 0.05);
    tensor.device.write(tensor, new Uint8Array(values.buffer));
  }
  return lora;
}

function assertEqual(actual: Outcome, expected: Outcome, tolerance: number): void {
  assert.ok(Math.abs(actual.loss - expected.loss) <= tolerance * expected.loss, `${actual.loss} ${expected.loss}`);
  for (const [name, gradient] of expected.gradients) {
    const other = actual.gradients.get(name)!;
    let difference = 0;
    let norm = 0;
    gradient.forEach((value, i) => {
      difference += (value - other[i]!) ** 2;
      norm += value ** 2;
    });
    const error = Math.sqrt(difference / norm);
    assert.ok(error <= tolerance, `gradient of ${name}: off by ${error} of its norm`);
  }
}

const variants: readonly (readonly [string, Layout, PackLossOptions])[] = [
  ["packed", { ...alone, enabled: true }, plain],
  ["packed, shared prompt", { ...alone, enabled: true, sharePrompts: true }, plain],
  ["packed in several packs", { enabled: true, sharePrompts: true, maxTokens: 80 }, plain],
  ["supervised rows only", alone, { supervisedRowsOnly: true }],
  ["recomputed", alone, { supervisedRowsOnly: false, recompute: { cheap: false, fullLayers: 99 } }],
  [
    "everything at once",
    { ...alone, enabled: true, sharePrompts: true },
    { supervisedRowsOnly: true, recompute: { cheap: true, fullLayers: 1 } },
  ],
];

/** @param tolerance of the loss, and of each gradient against its norm */
export function testExactness(device: Device, tolerance: number): void {
  describe(`loss and gradients equal those of one example at a time, ${device.name}, ${device.precision}`, () => {
    after(() => device.close());
    for (const method of ["full", "lora"] as const) {
      for (const [name, layout, options] of variants) {
        test(`${method}, ${name}`, () => {
          const before = device.memory().live;
          const expected = lossAndGradients(device, method, alone, plain);
          assertEqual(lossAndGradients(device, method, layout, options), expected, tolerance);
          assert.equal(device.memory().live, before, "memory leaked");
        });
      }
    }

    test("changing one example changes no bit of another's logits", () => {
      using model = openModel(folder, device, { format: { kind: "f32" } });
      const logits = (changed: boolean): Float32Array => {
        const all = examples().map(({ ids, supervised }, i) => ({
          ids: i === 1 && changed ? ids.map((id, at) => (at > 40 ? (id + 1) % vocabulary : id)) : ids,
          supervised,
        }));
        const [pack] = packExamples(all, { enabled: true, sharePrompts: true, maxTokens: 4096 });
        const order = [...pack!.rows.keys()].filter((i) => !isOf(all[1]!, pack!, pack!.rows[i]!));
        return scope(() => {
          const rows = model.decoder.logits(model.decoder.hidden(pack!, { rows: pack!.rows }));
          return Float32Array.from(order.flatMap((i) => [...rows.subarray(i * vocabulary, (i + 1) * vocabulary)]));
        });
      };
      const before = logits(false);
      assert.equal(before.length, 4 * 4 * vocabulary);
      // The order of examples in a pack may change with their contents: compare as a set of rows.
      assert.deepEqual(sortedRows(logits(true)), sortedRows(before));
    });
  });
}

/** Whether a pack's row lies on the path of an example, by its tokens. */
function isOf({ ids }: EncodedExample, pack: { tokens: Int32Array; expiry: Int32Array }, row: number): boolean {
  const path: number[] = [];
  for (let k = 0; k <= row; k++) if (row < pack.expiry[k]!) path.push(pack.tokens[k]!);
  return path.every((token, i) => ids[i] === token);
}

function sortedRows(values: Float32Array): string[] {
  const rows: string[] = [];
  for (let at = 0; at < values.length; at += vocabulary) rows.push(values.subarray(at, at + vocabulary).join(" "));
  return rows.sort();
}
