/** What llama.cpp is told of a model; that it then computes the same is shown by `npm run interop`. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { type ReadGguf, readGguf } from "../../../../tests/helpers/read-gguf.ts";
import { type FixtureName, readFixture } from "../../../../tests/helpers/text-fixtures.ts";
import { packageRoot } from "../../../base/package-root.ts";
import { openReferenceDevice } from "../../../engine/open-device.ts";
import { readConfigJson } from "../../files/config.ts";
import { ggufPreTokenizer } from "../../text/gguf-pre-tokenizer.ts";
import { ggufVocabulary } from "../../text/gguf-vocabulary.ts";
import { openStreamedModel } from "../streamed-model.ts";
import { describeForLlamaCpp } from "./describe.ts";
import { writeGgufModel } from "./write-model.ts";

const fixtures = join(packageRoot, "tests/fixtures/parity");
const scratch = mkdtempSync(join(tmpdir(), "fettle-gguf-model-"));
after(() => rmSync(scratch, { recursive: true }));
const device = openReferenceDevice();

/** A fixture's model with a text fixture's tokenizer, as a GGUF file. */
function written(family: string, tokenizer: FixtureName, type: "f32" | "q4_k" = "f32"): ReadGguf {
  const folder = join(scratch, `${family}-${type}`);
  cpSync(join(fixtures, family, "model"), folder, { recursive: true });
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(readFixture(tokenizer).tokenizer));
  using model = openStreamedModel(folder, device);
  const path = join(scratch, `${family}-${type}.gguf`);
  writeGgufModel(model, path, { type, name: family, template: undefined, onProgress: () => {} });
  return readGguf(path);
}

function floatsOf({ tensors, bytes, dataStart }: ReadGguf, name: string): Float32Array {
  const { shape, offset } = tensors.get(name)!;
  const begin = dataStart + offset;
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + begin)).subarray(
    0,
    shape.reduce((a, b) => a * b, 1),
  );
}

test("llama: metadata, names, the order of rotated rows, Llama 3's factors", () => {
  const file = written("llama3_rope", "llama");
  const keys = Object.fromEntries(file.metadata);
  assert.equal(keys["general.architecture"], "llama");
  assert.equal(keys["llama.block_count"], 3);
  assert.equal(keys["llama.attention.head_count_kv"], 2);
  assert.equal(keys["llama.rope.freq_base"], 500000);
  assert.equal(keys["llama.rope.dimension_count"], 16);
  using model = openStreamedModel(join(fixtures, "llama3_rope/model"), device);
  const [ours, theirs] = [
    model.floats("model.layers.2.self_attn.k_proj.weight"),
    floatsOf(file, "blk.2.attn_k.weight"),
  ];
  const row = (of: Float32Array, i: number): number[] => [...of.subarray(i * 48, (i + 1) * 48)];
  // Head 1 of 16 rows: row 3 of llama.cpp is the second half's row 1.
  assert.deepEqual(row(theirs, 16 + 3), row(ours, 16 + 8 + 1));
  assert.deepEqual(floatsOf(file, "blk.0.ffn_up.weight"), model.floats("model.layers.0.mlp.up_proj.weight"));
  const factors = floatsOf(file, "rope_freqs.weight");
  assert.equal(factors.length, 8);
  assert.equal(factors[0], 1);
  assert.ok(Math.abs(factors[7]! - 8) < 1e-5);
  assert.ok(!file.tensors.has("output.weight"), "the head is the embedding");
});

test("gemma2: norms with their 1, soft caps, the window, the scale of its own in q", () => {
  const file = written("gemma2", "gemma");
  const keys = Object.fromEntries(file.metadata);
  assert.equal(keys["gemma2.attn_logit_softcapping"], 50);
  assert.equal(keys["gemma2.attention.sliding_window"], 8);
  assert.equal(keys["tokenizer.ggml.model"], "llama");
  assert.equal(keys["tokenizer.ggml.add_space_prefix"], false);
  using model = openStreamedModel(join(fixtures, "gemma2/model"), device);
  const norm = model.floats("model.layers.1.post_attention_layernorm.weight");
  assert.deepEqual(
    floatsOf(file, "blk.1.post_attention_norm.weight"),
    norm.map((value) => value + 1),
  );
  const q = floatsOf(file, "blk.0.attn_q.weight");
  const quotient = Math.sqrt(32 / 24);
  const own = model.floats("model.layers.0.self_attn.q_proj.weight");
  assert.deepEqual(
    q,
    own.map((value) => value * quotient),
  );
});

test("q4_k: rows that are no multiple of 256 are in a larger type, vectors in f32", () => {
  const { tensors } = written("qwen2", "qwen", "q4_k");
  assert.equal(tensors.get("blk.0.ffn_up.weight")!.type, 1);
  assert.equal(tensors.get("blk.0.attn_q.bias")!.type, 0);
});

describe("what llama.cpp cannot compute is refused", () => {
  for (const [family, reason] of [
    ["gemma2_caps", /gemma2 has no biases on q, k and v/],
    ["gemma3_layers", /gemma3 has no soft caps/],
    ["starcoder2_window", /computes gelu_pytorch_tanh, the model's gelu/],
    ["gpt_bigcode_heads", /computes gelu_pytorch_tanh, the model's gelu/],
  ] as const) {
    test(family, () => {
      assert.throws(() => describeForLlamaCpp(readConfigJson(join(fixtures, family, "model"))), reason);
    });
  }
  test("a family of another kind", () => {
    const json = readConfigJson(join(fixtures, "qwen2/model")).with({ model_type: "bert" });
    assert.throws(() => describeForLlamaCpp(json), /models of type "bert" cannot be exported to GGUF/);
  });
  test("Llama 3's positions where they are not read", () => {
    const scaling = { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
    const json = readConfigJson(join(fixtures, "qwen2/model")).with({
      rope_parameters: undefined,
      rope_scaling: { ...scaling, original_max_position_embeddings: 64 },
    });
    assert.throws(() => describeForLlamaCpp(json), /Llama 3's scaling/);
  });
});

describe("vocabularies", () => {
  const options = { vocabSize: 400, bosId: 1, eosId: 2, chatTemplate: "{{ x }}" };
  const folderOf = (name: FixtureName): string => {
    const folder = mkdtempSync(join(scratch, "vocabulary-"));
    const { tokenizer, config } = readFixture(name);
    writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
    writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify(config));
    return folder;
  };

  for (const [name, expected] of [
    ["qwen", "qwen2"],
    ["llama", "llama-bpe"],
    ["starcoder", "starcoder"],
  ] as const) {
    test(`${name}: byte-level, cut by llama.cpp's ${expected}`, () => {
      const { metadata } = ggufVocabulary(folderOf(name), options);
      assert.equal(metadata.get("tokenizer.ggml.model")!.value, "gpt2");
      assert.equal(metadata.get("tokenizer.ggml.pre")!.value, expected);
      assert.equal((metadata.get("tokenizer.ggml.tokens")!.value as string[]).length, 400);
      assert.equal(metadata.get("tokenizer.chat_template")!.value, "{{ x }}");
    });
  }

  test("gemma: earlier merges have higher scores, bytes and controls their kinds", () => {
    const { metadata } = ggufVocabulary(folderOf("gemma"), options);
    const tokens = metadata.get("tokenizer.ggml.tokens")!.value as string[];
    const scores = metadata.get("tokenizer.ggml.scores")!.value as number[];
    const types = metadata.get("tokenizer.ggml.token_type")!.value as number[];
    const { merges } = readFixture("gemma").tokenizer.model as { merges: string[][] };
    const scoreOf = (pair: readonly string[]): number => scores[tokens.indexOf(pair.join(""))]!;
    assert.ok(scoreOf(merges[0]!) > scoreOf(merges[5]!));
    assert.equal(types[tokens.indexOf("<0x42>")], 6);
    assert.equal(types[tokens.indexOf("<bos>")], 3);
  });

  test("a way to cut text that llama.cpp has not is refused, as is a vocabulary that is no BPE", () => {
    const json = structuredClone(readFixture("qwen").tokenizer);
    const steps = (json.pre_tokenizer as { pretokenizers: { pattern: object }[] }).pretokenizers;
    steps[0]!.pattern = { Regex: "\\p{L}+" };
    assert.throws(() => ggufPreTokenizer(json, "tokenizer.json"), /llama\.cpp is not known to cut text/);
    assert.throws(() => ggufVocabulary(folderOf("bert"), options), /neither byte-level BPE nor BPE with byte fallback/);
  });
});
