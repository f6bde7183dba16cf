/** What families make of config.json, where reference results do not show it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openReferenceDevice } from "../../engine/open-device.ts";
import { zeros } from "../../engine/tensor/tensor.ts";
import { ConfigJson } from "../files/config.ts";
import type { JsonObject } from "../files/json-file.ts";
import { type DecoderParts, PartMaker } from "./decoder-parts.ts";
import { families } from "./index.ts";

const device = openReferenceDevice();

const sizes = {
  vocab_size: 7,
  hidden_size: 8,
  intermediate_size: 6,
  num_hidden_layers: 4,
  num_attention_heads: 2,
  head_dim: 4,
  max_position_embeddings: 64,
};

/** The parts of a model of zeros. */
function partsOf(family: string, json: JsonObject): DecoderParts & { readonly names: string[] } {
  const names: string[] = [];
  const tensor = (name: string, shape: readonly number[]): ReturnType<typeof zeros> => {
    names.push(name);
    return zeros(device, shape);
  };
  const { build } = families[family]!.readConfig(new ConfigJson("config.json", json));
  return { ...build(new PartMaker({ tensor, linearWeight: tensor, embedding: tensor })), names };
}

/** Small, but for the width that the scale is made of; as transformers rounds it in each dtype. */
const scales = [
  ["bfloat16", 640, 25.25],
  ["bfloat16", 1152, 34],
  ["bfloat16", 2048, 45.25],
  ["bfloat16", 2304, 48],
  ["bfloat16", 3072, 55.5],
  ["float16", 3072, 55.4375],
  ["float32", 3072, 55.42562484741211],
] as const;

test("Gemma's embeddings are scaled by √d in the dtype of the checkpoint", () => {
  for (const [dtype, hidden_size, expected] of scales) {
    for (const key of ["dtype", "torch_dtype"]) {
      const { embedding } = partsOf("gemma", { ...sizes, hidden_size, num_hidden_layers: 1, [key]: dtype });
      assert.equal(embedding.scale, expected);
    }
  }
  assert.equal(partsOf("gemma", sizes).embedding.scale, Math.fround(Math.sqrt(8)));
});

test("Gemma's activation by its old and new spellings", () => {
  const activation = (json: JsonObject): string => partsOf("gemma", { ...sizes, ...json }).layers[0]!.mlp.activation;
  assert.equal(activation({}), "gelu_pytorch_tanh");
  assert.equal(activation({ hidden_act: "gelu", hidden_activation: null }), "gelu_pytorch_tanh");
  assert.equal(activation({ hidden_act: "gelu", hidden_activation: "gelu" }), "gelu");
  assert.equal(activation({ hidden_act: "silu" }), "silu");
});

test("Gemma 2: null turns a soft cap or the window off, a missing key means the default", () => {
  const caps = (json: JsonObject): unknown[] => {
    const config = families.gemma2!.readConfig(new ConfigJson("config.json", { ...sizes, ...json }));
    const { layers } = partsOf("gemma2", { ...sizes, ...json });
    return [layers[0]!.attention.softcap, config.logitSoftcap, layers.map(({ attention }) => attention.window)];
  };
  assert.deepEqual(caps({}), [50, 30, [4096, undefined, 4096, undefined]]);
  assert.deepEqual(caps({ attn_logit_softcapping: null, final_logit_softcapping: null, sliding_window: null }), [
    undefined,
    undefined,
    [undefined, undefined, undefined, undefined],
  ]);
  assert.throws(() => caps({ final_logit_softcapping: -1 }), /"final_logit_softcapping" must be larger than 0/);
});

test("Gemma 3: every sixth layer sees everything, or as the config says, with rotary positions by kind", () => {
  const kinds = (json: JsonObject): string => {
    const { layers, ropes } = partsOf("gemma3_text", { ...sizes, num_hidden_layers: 7, sliding_window: 9, ...json });
    return layers
      .map(({ attention: { window, rotary } }) => `${window === undefined ? "full" : window}:${ropes[rotary!]!.theta}`)
      .join(" ");
  };
  const [local, global] = ["9:10000", "full:1000000"];
  assert.equal(kinds({}), [local, local, local, local, local, global, local].join(" "));
  assert.equal(kinds({ sliding_window_pattern: 3 }), [local, local, global, local, local, global, local].join(" "));
  const layer_types = ["full_attention", ...Array.from({ length: 6 }, () => "sliding_attention")];
  assert.equal(kinds({ layer_types }), [global, ...Array.from({ length: 6 }, () => local)].join(" "));
  assert.equal(kinds({ layer_types, rope_local_base_freq: 5 }).split(" ")[1], "9:5");
  assert.throws(() => kinds({ layer_types: layer_types.map(() => "chunked_attention") }), /"layer_types" must be/);
});

test("models that look both ways are refused", () => {
  for (const family of ["gemma", "gemma2", "gemma3_text"]) {
    assert.throws(() => partsOf(family, { ...sizes, use_bidirectional_attention: true }), {
      code: "config/wrong-value",
    });
  }
});

test("GPT-BigCode: defaults, one layer for q, k and v, and what is not there", () => {
  const config = { vocab_size: 7, n_embd: 8, n_head: 2, n_layer: 1 };
  const { names, layers, embedding } = partsOf("gpt_bigcode", config);
  assert.deepEqual(names.slice(0, 6), [
    "transformer.wte.weight",
    "transformer.wpe.weight",
    "transformer.h.0.ln_1.weight",
    "transformer.h.0.ln_1.bias",
    "transformer.h.0.attn.c_attn.weight",
    "transformer.h.0.attn.c_attn.bias",
  ]);
  const { attention, mlp } = layers[0]!;
  assert.ok("qkv" in attention.input);
  assert.deepEqual([attention.input.qkv.outFeatures, attention.input.groupedBy], [16, "kind"]);
  assert.deepEqual([mlp.up.outFeatures, mlp.activation, mlp.gate], [32, "gelu_pytorch_tanh", undefined]);
  assert.deepEqual(embedding.positions!.shape, [1024, 8]);
  assert.equal(attention.scale, 0.5);
  assert.equal(partsOf("gpt_bigcode", { ...config, scale_attn_weights: false }).layers[0]!.attention.scale, 1);
  assert.throws(() => partsOf("gpt_bigcode", { ...config, n_head: 3 }), /"n_head" must be a divisor of n_embd/);
  assert.throws(() => partsOf("gpt_bigcode", { ...config, add_cross_attention: true }), /"add_cross_attention"/);
});

test("Mistral's window is 4096 unless it is set, or null", () => {
  const window = (json: JsonObject): number | undefined =>
    partsOf("mistral", { ...sizes, ...json }).layers[0]!.attention.window;
  assert.deepEqual([window({}), window({ sliding_window: 5 }), window({ sliding_window: null })], [4096, 5, undefined]);
});
