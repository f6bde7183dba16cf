import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { packageRoot } from "../../base/package-root.ts";
import { openReferenceDevice } from "../../engine/open-device.ts";
import { dequantizeNf4, quantizeNf4 } from "../../engine/ops/nf4/nf4.ts";
import { scope } from "../../engine/tensor/scope.ts";
import { fromHost, toFloats } from "../../engine/tensor/tensor.ts";
import { openSafetensors } from "../files/safetensors.ts";
import { loadLora } from "./lora.ts";
import { mergedFloats, mergeInto } from "./merge.ts";
import { openModel } from "./model.ts";
import { openStreamedModel } from "./streamed-model.ts";

const fixtures = join(packageRoot, "tests/fixtures/parity");
const scratch = mkdtempSync(join(tmpdir(), "fettle-merge-"));
after(() => rmSync(scratch, { recursive: true }));
const device = openReferenceDevice();

test("W + scale · B · A, for ranks that are no multiple of those taken together", () => {
  const weight = Float32Array.from([1, 2, 3, 4, 5, 6]);
  const a = fromHost(
    device,
    Float32Array.from({ length: 15 }, (_, i) => i - 7),
    [5, 3],
  );
  const b = fromHost(
    device,
    Float32Array.from({ length: 10 }, (_, i) => 2 * i - 9),
    [2, 5],
  );
  mergeInto(weight, { a, b, scale: 0.5, dropout: 0 });
  const [af, bf] = [toFloats(a), toFloats(b)];
  for (let out = 0; out < 2; out++) {
    for (let i = 0; i < 3; i++) {
      let expected = out * 3 + i + 1;
      for (let r = 0; r < 5; r++) expected += 0.5 * bf[out * 5 + r]! * af[r * 3 + i]!;
      assert.equal(weight[out * 3 + i], expected);
    }
  }
});

describe("a merged model answers as PEFT's base and adapter did", () => {
  for (const family of ["llama3_rope", "qwen3", "gemma2", "gpt_bigcode"]) {
    test(family, () => {
      using streamed = openStreamedModel(join(fixtures, family, "model"), device);
      using _lora = loadLora(streamed, join(fixtures, family, "adapter")).lora;
      using live = openModel(join(fixtures, family, "model"), device, { format: { kind: "f32" } });
      for (const [name, tensor] of live.parameters.tensors) {
        device.write(tensor, new Uint8Array(mergedFloats(streamed, name).buffer));
      }
      using expected = openSafetensors(join(fixtures, family, "expected.safetensors"));
      const input = expected.read("input.0");
      const tokens = new Int32Array(input.buffer);
      const sequence = { tokens, positions: tokens.map((_, i) => i), expiry: tokens.map(() => tokens.length) };
      const logits = scope(() => ({ held: live.decoder.logits(live.decoder.hidden(sequence)) })).held;
      const wanted = new Float32Array(expected.read("lora.logits.0").buffer);
      assert.equal(logits.length, wanted.length);
      wanted.forEach((value, i) => {
        assert.ok(Math.abs(value - logits[i]!) <= 1e-4 + 1e-4 * Math.abs(value));
      });
    });
  }
});

test("what is trained on 4 bits is merged into what they leave of the base", () => {
  const folder = join(fixtures, "llama3_rope/model");
  const quantization = { blockSize: 64, doubleQuant: true };
  using plain = openStreamedModel(folder, device);
  using streamed = openStreamedModel(folder, device, { quantization });
  const name = "model.layers.1.mlp.up_proj.weight";
  const full = plain.floats(name);
  const left = scope(() => {
    const quantized = quantizeNf4(fromHost(device, full, plain.shapes.get(name)!), quantization);
    return { held: toFloats(dequantizeNf4(quantized, "f32")) };
  }).held;
  assert.deepEqual(streamed.floats(name), left);
  assert.notDeepEqual(left, full);
  assert.equal(streamed.bytes(name), undefined);
  // Embeddings and norms stay in full.
  for (const kept of ["model.embed_tokens.weight", "model.norm.weight"]) {
    assert.deepEqual(streamed.floats(kept), plain.floats(kept));
  }
});
