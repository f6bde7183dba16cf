import assert from "node:assert/strict";
import { test } from "node:test";
import { decays } from "./decay-groups.ts";

test("matrices decay, adapters and embeddings included", () => {
  for (const name of [
    "model.embed_tokens.weight",
    "model.layers.0.self_attn.q_proj.weight",
    "model.layers.0.self_attn.q_proj.lora_A.weight",
    "lm_head.weight",
    "transformer.wte.weight",
    "transformer.h.0.attn.c_attn.weight",
    "model.layers.0.mlp.normalizer_proj.weight",
  ]) {
    assert.equal(decays(name), true, name);
  }
});

test("biases and norms do not", () => {
  for (const name of [
    "model.layers.0.self_attn.q_proj.bias",
    "model.layers.0.input_layernorm.weight",
    "model.layers.0.self_attn.q_norm.weight",
    "model.norm.weight",
    "bert.encoder.layer.0.output.LayerNorm.weight",
    "model.final_norm.weight",
    "transformer.h.0.ln_1.weight",
    "transformer.ln_f.weight",
  ]) {
    assert.equal(decays(name), false, name);
  }
});
