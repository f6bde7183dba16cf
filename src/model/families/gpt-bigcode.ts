/** GPT-BigCode (StarCoder, WizardCoder, SantaCoder): learned positions, one layer for q, k and v, LayerNorm, biases. */
import type { DecoderLayer } from "../../engine/nn/decoder-layer.ts";
import type { Activation } from "../../engine/ops/activation/activation.ts";
import type { ConfigJson } from "../files/config.ts";
import { type DecoderSizes, readActivation, readLayers, readPositive, readSize } from "./decoder-config.ts";
import type { DecoderParts, PartMaker } from "./decoder-parts.ts";
import type { Family } from "./family.ts";

interface GptBigcodeConfig extends DecoderSizes {
  readonly activation: Activation;
  readonly normEps: number;
  readonly attentionScale: number;
}

export const gptBigcode: Family = {
  readConfig(json) {
    const config = readConfig(json);
    return { ...config, build: (make) => build(config, make) };
  },
};

function readConfig(json: ConfigJson): GptBigcodeConfig {
  if (json.boolean("add_cross_attention", false)) throw json.wrong("add_cross_attention", "false");
  const hiddenSize = readSize(json, "n_embd");
  const heads = readSize(json, "n_head");
  if (hiddenSize % heads !== 0) throw json.wrong("n_head", `a divisor of n_embd (${hiddenSize})`);
  const headDim = hiddenSize / heads;
  const layers = readLayers(json, "n_layer");
  const range = json.number("initializer_range", 0.02);
  return {
    vocabSize: readSize(json, "vocab_size"),
    hiddenSize,
    intermediateSize: readSize(json, "n_inner", 4 * hiddenSize),
    mlpMatrices: 2,
    layers,
    heads,
    kvHeads: json.boolean("multi_query", true) ? 1 : heads,
    headDim,
    maxPositions: readSize(json, "n_positions", 1024),
    tieEmbeddings: json.boolean("tie_word_embeddings", true),
    logitSoftcap: undefined,
    // GPT-2's rule: what is added to the stream 2 · layers times begins smaller.
    initializer: { range, ranges: { "c_proj.weight": range / Math.sqrt(2 * layers) } },
    eosTokens: json.integers("eos_token_id"),
    activation: readActivation(json, "activation_function", "gelu_pytorch_tanh"),
    normEps: readPositive(json, "layer_norm_epsilon", 1e-5),
    attentionScale: json.boolean("scale_attn_weights", true) ? headDim ** -0.5 : 1,
  };
}

function build(config: GptBigcodeConfig, make: PartMaker): DecoderParts {
  const { vocabSize, hiddenSize, layers, maxPositions, normEps } = config;
  const { tokens, head } = make.embedding("transformer.wte.weight", [vocabSize, hiddenSize], config.tieEmbeddings);
  return {
    embedding: { tokens, positions: make.tensor("transformer.wpe.weight", [maxPositions, hiddenSize]) },
    layers: Array.from({ length: layers }, (_, i) => layer(config, make, `transformer.h.${i}`)),
    norm: make.layerNorm("transformer.ln_f", hiddenSize, normEps),
    head: head(),
    ropes: [],
  };
}

function layer(config: GptBigcodeConfig, make: PartMaker, path: string): DecoderLayer {
  const { hiddenSize: d, intermediateSize: f, heads, kvHeads, headDim, normEps } = config;
  return {
    attentionNorm: make.layerNorm(`${path}.ln_1`, d, normEps),
    attention: {
      input: {
        qkv: make.linear(`${path}.attn.c_attn`, d, (heads + 2 * kvHeads) * headDim, true),
        groupedBy: kvHeads === 1 ? "kind" : "head",
      },
      output: make.linear(`${path}.attn.c_proj`, d, d, true),
      heads,
      kvHeads,
      headDim,
      scale: config.attentionScale,
    },
    mlpNorm: make.layerNorm(`${path}.ln_2`, d, normEps),
    mlp: {
      up: make.linear(`${path}.mlp.c_fc`, d, f, true),
      down: make.linear(`${path}.mlp.c_proj`, f, d, true),
      activation: config.activation,
    },
  };
}
