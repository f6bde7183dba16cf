/** The fixtures are of bitsandbytes 0.50 and transformers 5.17: scripts/fixtures/bitsandbytes_4bit.py. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { packageRoot } from "../../base/package-root.ts";
import type { Device } from "../../engine/device/device.ts";
import { openDevice, openReferenceDevice } from "../../engine/open-device.ts";
import { cast } from "../../engine/ops/cast/cast.ts";
import { dequantizeNf4, nf4Tensors, quantizeNf4, releaseNf4 } from "../../engine/ops/nf4/nf4.ts";
import { scope, unscoped } from "../../engine/tensor/scope.ts";
import { fromHost, type Tensor, toBytes, toFloats } from "../../engine/tensor/tensor.ts";
import { bnbEndings, readBnb4bit } from "../files/bnb-4bit.ts";
import { openWeights } from "../files/weights.ts";
import { bnb4bitValues } from "./bnb-4bit-values.ts";
import { type Model, openModel } from "./model.ts";
import { checkpointValues } from "./parameter-values.ts";
import type { WeightFormat } from "./parameters.ts";
import { writeBnb4bit } from "./write-bnb-4bit.ts";

const fixtures = join(packageRoot, "tests/fixtures/bitsandbytes");
const checkpoints = ["nested-bf16", "plain-f16", "plain-f32"] as const;
const nf4: WeightFormat = { kind: "nf4", blockSize: 64, doubleQuant: true };

interface Expected {
  /** sha256 of the values in f32. */
  readonly weights: Readonly<Record<string, string>>;
  readonly tokens: readonly number[];
  readonly logits: readonly (readonly number[])[];
}

function expectedOf(name: string): Expected {
  return JSON.parse(readFileSync(join(fixtures, name, "expected.json"), "utf8"));
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function valuesOf(weight: Tensor): string {
  return sha256(toBytes(weight));
}

/** The formula of the fixtures' weights. */
function weightValues(name: string, length: number): Float32Array {
  const seed = [...Buffer.from(name)].reduce((sum, byte) => sum + byte, 0);
  return Float32Array.from({ length }, (_, i) => {
    const run = Math.floor(i / 64) % 5;
    const factor = run === 3 ? 2 ** -18 : run === 4 ? 0 : 1;
    return Math.fround(Math.fround(Math.fround((((i * 7919 + seed * 104_729) % 2003) - 1001) / 1024) * factor) * 0.25);
  });
}

let out: string;
before(() => {
  out = mkdtempSync(join(tmpdir(), "fettle-bnb-"));
});
after(() => rmSync(out, { recursive: true, force: true }));

const devices: readonly Device[] = [
  openReferenceDevice(),
  (await openDevice({ device: "cpu", precision: "f32" })).device,
];

for (const device of devices) {
  describe(`bitsandbytes' 4 bits on ${device.name}`, () => {
    after(() => device.close());

    for (const name of checkpoints) {
      test(`${name}: values are those of bitsandbytes, held as they are or in full`, () => {
        const { weights, tokens, logits } = expectedOf(name);
        using held = openModel(join(fixtures, name), device, { format: nf4 });
        assert.deepEqual([...held.parameters.quantized.keys()].sort(), Object.keys(weights).sort());
        for (const [weight, quantized] of held.parameters.quantized) {
          scope(() => assert.equal(valuesOf(dequantizeNf4(quantized, "f32")), weights[weight], weight));
        }
        using full = openModel(join(fixtures, name), device, { format: { kind: "f32" } });
        for (const weight of Object.keys(weights)) {
          assert.equal(valuesOf(full.parameters.tensors.get(weight)!), weights[weight], weight);
        }
        for (const model of [held, full]) expectLogits(model, tokens, logits);
      });

      test(`${name}: written again, files hold the same bytes`, () => {
        const folder = join(out, `${device.name}-${name}`);
        using model = openModel(join(fixtures, name), device, { format: nf4 });
        writeBnb4bit(model, folder);
        using given = openWeights(join(fixtures, name));
        using written = openWeights(folder);
        assert.deepEqual(written.names().sort(), given.names().sort());
        for (const tensor of given.names()) {
          // What is not quantised is written as float32 where it was float16.
          if (given.info(tensor).dtype === "F16") continue;
          assert.deepEqual(written.info(tensor).shape, given.info(tensor).shape, tensor);
          assert.deepEqual(written.read(tensor), given.read(tensor), tensor);
        }
        const { quantization_config } = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
        const original = JSON.parse(readFileSync(join(fixtures, name, "config.json"), "utf8")).quantization_config;
        assert.deepEqual(
          { ...quantization_config, bnb_4bit_compute_dtype: null, llm_int8_skip_modules: null },
          { ...original, bnb_4bit_compute_dtype: null },
        );
      });
    }

    test("the same weights are quantised to the same codes and scales", () => {
      for (const [name, doubleQuant] of [
        ["nested-bf16", true],
        ["plain-f32", false],
      ] as const) {
        using weights = openWeights(join(fixtures, name));
        for (const [weight, { shape, blockSize }] of readBnb4bit(weights)) {
          scope(() => {
            const values = fromHost(device, weightValues(weight, shape[0]! * shape[1]!), shape);
            const given = name === "nested-bf16" ? cast(values, "bf16") : values;
            const quantized = unscoped(() => quantizeNf4(given, { blockSize, doubleQuant }));
            assert.deepEqual(toBytes(quantized.packed), new Uint8Array(weights.read(weight)), weight);
            const { absmax } = quantized;
            const scales = weights.read(weight + bnbEndings.absmax);
            assert.deepEqual(toBytes("codes" in absmax ? absmax.codes : absmax), new Uint8Array(scales), weight);
            if ("codes" in absmax) {
              const nested = new Float32Array(weights.read(weight + bnbEndings.nestedAbsmax).buffer);
              // Their mean is summed in f32, in an order that depends on the machine: its last bits.
              toFloats(absmax.nestedAbsmax).forEach((scale, i) => {
                assert.ok(Math.abs(scale - nested[i]!) <= absmax.offset * 2 ** -21, weight);
              });
            }
            releaseNf4(quantized);
          });
        }
      }
    });

    test("other block sizes, and codes stored under another dtype", () => {
      using weights = openWeights(join(fixtures, "layers"));
      const states = readBnb4bit(weights);
      const values = bnb4bitValues(weights, states, checkpointValues(weights));
      for (const [weight, expected] of Object.entries(expectedOf("layers").weights)) {
        const quantized = unscoped(() => values.quantized!(device, weight, states.get(weight)!.shape)!);
        scope(() => assert.equal(valuesOf(dequantizeNf4(quantized, "f32")), expected, weight));
        assert.equal(
          quantized.bytes,
          nf4Tensors(quantized).reduce((sum, { buffer }) => sum + buffer.bytes, 0),
        );
        releaseNf4(quantized);
      }
    });
  });
}

/** f32 on both sides; sums are in another order. */
function expectLogits({ decoder }: Model, tokens: readonly number[], expected: readonly (readonly number[])[]): void {
  const sequence = {
    tokens: Int32Array.from(tokens),
    positions: Int32Array.from(tokens, (_, i) => i),
    expiry: new Int32Array(tokens.length).fill(tokens.length),
  };
  const logits = scope(() => decoder.logits(decoder.hidden(sequence)));
  for (const [i, row] of expected.entries()) {
    for (const [j, value] of row.entries())
      assert.ok(Math.abs(logits[i * row.length + j]! - value) < 1e-4, `${i}, ${j}`);
  }
}

test("a model that is written loads again with the same bytes", () => {
  const device = openReferenceDevice();
  const folder = join(out, "from-full");
  cpSync(join(packageRoot, "tests/fixtures/parity/qwen3/model"), join(out, "qwen3"), { recursive: true });
  using model = openModel(join(out, "qwen3"), device, { format: { ...nf4, blockSize: 128, doubleQuant: false } });
  writeBnb4bit(model, folder);
  using again = openModel(folder, device, { format: nf4 });
  for (const [name, quantized] of model.parameters.quantized) {
    const loaded = again.parameters.quantized.get(name)!;
    assert.equal(loaded.blockSize, 128);
    assert.deepEqual(nf4Tensors(loaded).map(toBytes), nf4Tensors(quantized).map(toBytes));
  }
});
