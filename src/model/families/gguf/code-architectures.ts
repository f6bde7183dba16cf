/** StarCoder and StarCoder2 as llama.cpp knows them (src/models/{starcoder,starcoder2}.cpp). */
import type { ConfigJson } from "../../files/config.ts";
import type { GgufValue } from "../../files/gguf-types.ts";
import { readRope } from "../../files/rope.ts";
import { type DecoderSizes, readActivation, readPositive, readPositiveOrNone } from "../decoder-config.ts";
import { gptBigcode } from "../gpt-bigcode.ts";
import { starcoder2 } from "../starcoder2.ts";
import { f32, type GgufDescription, type GgufTensorNames, ggufTensorName, notInLlamaCpp, u32 } from "./architecture.ts";
import { ropeScaling } from "./rope.ts";
import { groupedByKind } from "./transforms.ts";

const bigcodeNames: GgufTensorNames = {
  layerPrefix: "transformer.h.",
  inLayer: {
    ln_1: "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    ln_2: "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
  },
  outside: {
    "transformer.wte": "token_embd",
    "transformer.wpe": "position_embd",
    "transformer.ln_f": "output_norm",
    lm_head: "output",
  },
};
const starcoder2Names: GgufTensorNames = {
  layerPrefix: "model.layers.",
  inLayer: {
    input_layernorm: "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    post_attention_layernorm: "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
  },
  outside: { "model.embed_tokens": "token_embd", "model.norm": "output_norm", lm_head: "output" },
};

/** @throws UserError where llama.cpp has no such switch */
export function describeBigcode(json: ConfigJson): GgufDescription {
  const sizes = gptBigcode.readConfig(json);
  expectGelu(json, "activation_function");
  if (!json.boolean("scale_attn_weights", true)) throw notInLlamaCpp(json, "scale_attn_weights is off");
  const byKind =
    sizes.kvHeads === sizes.heads && sizes.heads > 1 ? groupedByKind(sizes.heads, sizes.headDim) : undefined;
  return {
    architecture: "starcoder",
    metadata: new Map([
      ...sizesOf(sizes),
      ["attention.layer_norm_epsilon", f32(readPositive(json, "layer_norm_epsilon", 1e-5))],
    ]),
    tensor: (parameter) => {
      const name = ggufTensorName(bigcodeNames, parameter);
      const isJoined = name.includes(".attn_qkv.");
      return {
        name,
        transform: isJoined ? byKind : undefined,
        inF32: isInF32(name) || name === "position_embd.weight",
      };
    },
    extra: [],
    notes: [],
  };
}

/** @throws UserError where llama.cpp has no such switch */
export function describeStarcoder2(json: ConfigJson): GgufDescription {
  const sizes = starcoder2.readConfig(json);
  expectGelu(json, "hidden_act");
  if (!json.boolean("use_bias", true)) throw notInLlamaCpp(json, "its starcoder2 always has biases");
  const rope = readRope(json);
  const window = readPositiveOrNone(json, "sliding_window", undefined);
  const isShort = window !== undefined && window < sizes.maxPositions;
  return {
    architecture: "starcoder2",
    metadata: new Map([
      ...sizesOf(sizes),
      ["attention.layer_norm_epsilon", f32(readPositive(json, "norm_epsilon", 1e-5))],
      ["rope.dimension_count", u32(sizes.headDim)],
      ["rope.freq_base", f32(rope.theta)],
      ...ropeScaling(rope, json, false),
    ]),
    tensor: (parameter) => {
      const name = ggufTensorName(starcoder2Names, parameter);
      return { name, inF32: isInF32(name) };
    },
    extra: [],
    notes: isShort
      ? [`llama.cpp has no sliding window for this model: beyond ${window} tokens it answers otherwise`]
      : [],
  };
}

function sizesOf(sizes: DecoderSizes): [string, GgufValue][] {
  return [
    ["block_count", u32(sizes.layers)],
    ["context_length", u32(sizes.maxPositions)],
    ["embedding_length", u32(sizes.hiddenSize)],
    ["feed_forward_length", u32(sizes.intermediateSize)],
    ["attention.head_count", u32(sizes.heads)],
    ["attention.head_count_kv", u32(sizes.kvHeads)],
    ["vocab_size", u32(sizes.vocabSize)],
  ];
}

function expectGelu(json: ConfigJson, key: string): void {
  const activation = readActivation(json, key, "gelu_pytorch_tanh");
  if (activation !== "gelu_pytorch_tanh") {
    throw notInLlamaCpp(json, `its MLP computes gelu_pytorch_tanh, the model's ${activation}`);
  }
}

function isInF32(name: string): boolean {
  return name.endsWith("_norm.weight");
}
