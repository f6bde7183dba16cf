/** StarCoder2: LayerNorm and biases around grouped-query attention with rotary positions, and an MLP without a gate. */
import type { DecoderLayer } from "../../engine/nn/decoder-layer.ts";
import type { Activation } from "../../engine/ops/activation/activation.ts";
import { type Rope, readRope } from "../files/rope.ts";
import { type DecoderSizes, readActivation, readPositive, readPositiveOrNone, readSizes } from "./decoder-config.ts";
import type { DecoderParts, PartMaker } from "./decoder-parts.ts";
import type { Family } from "./family.ts";

interface Starcoder2Config extends DecoderSizes {
  readonly activation: Activation;
  readonly normEps: number;
  /** Of all linear layers; norms always have one. */
  readonly bias: boolean;
  readonly window: number | undefined;
  readonly rope: Rope;
}

export const starcoder2: Family = {
  readConfig(json) {
    const config: Starcoder2Config = {
      ...readSizes(json, { mlpMatrices: 2, tieEmbeddings: true, initializerRange: 0.018042 }),
      activation: readActivation(json, "hidden_act", "gelu_pytorch_tanh"),
      normEps: readPositive(json, "norm_epsilon", 1e-5),
      bias: json.boolean("use_bias", true),
      window: readPositiveOrNone(json, "sliding_window", undefined),
      rope: readRope(json),
    };
    return { ...config, build: (make) => build(config, make) };
  },
};

function build(config: Starcoder2Config, make: PartMaker): DecoderParts {
  const { vocabSize, hiddenSize, layers, normEps } = config;
  const { tokens, head } = make.embedding("model.embed_tokens.weight", [vocabSize, hiddenSize], config.tieEmbeddings);
  return {
    embedding: { tokens },
    layers: Array.from({ length: layers }, (_, i) => layer(config, make, `model.layers.${i}`)),
    norm: make.layerNorm("model.norm", hiddenSize, normEps),
    head: head(),
    ropes: [config.rope],
  };
}

function layer(config: Starcoder2Config, make: PartMaker, path: string): DecoderLayer {
  const { hiddenSize: d, intermediateSize: f, heads, kvHeads, headDim, normEps, bias } = config;
  return {
    attentionNorm: make.layerNorm(`${path}.input_layernorm`, d, normEps),
    attention: {
      input: {
        q: make.linear(`${path}.self_attn.q_proj`, d, heads * headDim, bias),
        k: make.linear(`${path}.self_attn.k_proj`, d, kvHeads * headDim, bias),
        v: make.linear(`${path}.self_attn.v_proj`, d, kvHeads * headDim, bias),
      },
      output: make.linear(`${path}.self_attn.o_proj`, heads * headDim, d, bias),
      heads,
      kvHeads,
      headDim,
      scale: headDim ** -0.5,
      window: config.window,
      rotary: 0,
    },
    mlpNorm: make.layerNorm(`${path}.post_attention_layernorm`, d, normEps),
    mlp: {
      up: make.linear(`${path}.mlp.c_fc`, d, f, bias),
      down: make.linear(`${path}.mlp.c_proj`, f, d, bias),
      activation: config.activation,
    },
  };
}
