import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigJson } from "./config.ts";
import type { JsonObject } from "./json-file.ts";
import { readRope } from "./rope.ts";

const of = (json: JsonObject): ConfigJson => new ConfigJson("config.json", json);
const LLAMA3 = { factor: 32, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
const LLAMA3_READ = {
  type: "llama3",
  factor: 32,
  lowFreqFactor: 1,
  highFreqFactor: 4,
  originalMaxPositionEmbeddings: 8192,
};

test("both layouts of transformers mean the same", () => {
  const expected = { theta: 5e5, scaling: LLAMA3_READ };
  assert.deepEqual(readRope(of({ rope_theta: 5e5, rope_scaling: { rope_type: "llama3", ...LLAMA3 } })), expected);
  assert.deepEqual(readRope(of({ rope_theta: 5e5, rope_scaling: { type: "llama3", ...LLAMA3 } })), expected);
  assert.deepEqual(readRope(of({ rope_parameters: { rope_theta: 5e5, rope_type: "llama3", ...LLAMA3 } })), expected);
});

test("precedence: rope_scaling over rope_parameters, theta inside over outside, then the default", () => {
  const both = { rope_theta: 7, rope_scaling: { type: "linear", factor: 8 }, rope_parameters: { rope_theta: 9 } };
  assert.deepEqual(readRope(of(both)), { theta: 7, scaling: { type: "linear", factor: 8 } });
  assert.deepEqual(readRope(of({ ...both, rope_scaling: null })), { theta: 9, scaling: { type: "default" } });
  assert.equal(readRope(of({})).theta, 10000);
  assert.equal(readRope(of({}), { defaultTheta: 1e6 }).theta, 1e6);
});

test("layer kinds have their own theta, and only full attention is scaled", () => {
  const v4 = of({ rope_theta: 1e6, rope_local_base_freq: 1e4, rope_scaling: { rope_type: "linear", factor: 8 } });
  const v5 = of({
    rope_parameters: {
      full_attention: { rope_theta: 1e6, rope_type: "linear", factor: 8 },
      sliding_attention: { rope_theta: 1e4, rope_type: "default" },
    },
  });
  for (const config of [v4, v5]) {
    assert.deepEqual(readRope(config, { layerType: "full_attention" }), {
      theta: 1e6,
      scaling: { type: "linear", factor: 8 },
    });
    assert.deepEqual(readRope(config, { layerType: "sliding_attention" }), {
      theta: 1e4,
      scaling: { type: "default" },
    });
  }
  const modernbert = of({ global_rope_theta: 160000, local_rope_theta: 10000 });
  assert.equal(readRope(modernbert, { layerType: "full_attention" }).theta, 160000);
  assert.equal(readRope(modernbert, { layerType: "sliding_attention" }).theta, 10000);
});

test("unknown kinds and missing fields are named", () => {
  assert.throws(() => readRope(of({ rope_scaling: { type: "liner" } })), /RoPE kind "liner" is not known/);
  assert.throws(() => readRope(of({ rope_scaling: { type: "linear" } })), /"factor" must be a number/);
  assert.throws(() => readRope(of({ rope_scaling: "linear" })), /"rope_scaling" must be an object/);
});
