/**
 * ModernBERT (Warner et al. 2024, arXiv 2412.13663): a pre-norm encoder with rotary positions and gated MLPs, most of whose
 * layers see some tokens to each side only.
 */
import type { DecoderLayer } from "../../engine/nn/decoder-layer.ts";
import type { Activation } from "../../engine/ops/activation/activation.ts";
import type { ConfigJson } from "../files/config.ts";
import { type Rope, type RopeLayerType, readRope } from "../files/rope.ts";
import { type DecoderSizes, readActivation, readLayerTypes, readPositive, readSizes } from "./decoder-config.ts";
import type { DecoderParts, PartMaker } from "./decoder-parts.ts";
import { type EncoderTraits, prefixed, WHOLE_SEGMENT } from "./encoder-traits.ts";
import type { Family } from "./family.ts";

interface ModernBertConfig extends DecoderSizes {
  readonly activation: Activation;
  readonly normEps: number;
  readonly normBias: boolean;
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
  readonly layerTypes: readonly RopeLayerType[];
  /** Tokens to each side that sliding layers see. */
  readonly side: number;
  readonly ropes: Readonly<Record<RopeLayerType, Rope>>;
  readonly encoder: EncoderTraits;
}

export const modernbert: Family = {
  readConfig(json) {
    const config = readConfig(json);
    return { ...config, build: (make) => build(config, make) };
  },
};

function readConfig(json: ConfigJson): ModernBertConfig {
  const range = json.number("initializer_range", 0.02);
  const sizes = readSizes(json, { tieEmbeddings: true });
  const { hiddenSize, layers } = sizes;
  const output = range / Math.sqrt(2 * layers);
  const rope = (layerType: RopeLayerType, defaultTheta: number): Rope => readRope(json, { layerType, defaultTheta });
  return {
    ...sizes,
    // transformers also cuts its normal numbers off, at initializer_cutoff_factor times this.
    initializer: {
      range,
      ranges: { "Wo.weight": output, "head.dense.weight": output, "classifier.weight": hiddenSize ** -0.5 },
    },
    activation: readActivation(json, "hidden_activation", "gelu"),
    normEps: readPositive(json, "norm_eps", 1e-5),
    normBias: json.boolean("norm_bias", false),
    attentionBias: json.boolean("attention_bias", false),
    mlpBias: json.boolean("mlp_bias", false),
    layerTypes: layerTypesOf(json, layers),
    side: sideOf(json),
    ropes: { full_attention: rope("full_attention", 160000), sliding_attention: rope("sliding_attention", 10000) },
    encoder: encoderOf(json, hiddenSize),
  };
}

function encoderOf(json: ConfigJson, hiddenSize: number): EncoderTraits {
  const pooling = json.string("classifier_pooling", "cls");
  if (pooling !== "cls" && pooling !== "mean") throw json.wrong("classifier_pooling", "cls or mean");
  const bias = json.boolean("classifier_bias", false);
  const activation = readActivation(json, "classifier_activation", "gelu");
  const norm = { path: "head.norm", bias: json.boolean("norm_bias", false), eps: readPositive(json, "norm_eps", 1e-5) };
  return {
    classHead: () => ({
      pooling: pooling === "cls" ? "first" : "mean",
      dense: [{ path: "head.dense", width: hiddenSize, bias, activation }],
      norm,
      output: { path: "classifier", bias: true },
      modules: ["classifier", "head"],
    }),
    nameOf: prefixed("model", ["embeddings", "layers", "final_norm"]),
    isBeside: (name) => /^(decoder|qa_outputs)\./.test(name),
  };
}

function layerTypesOf(json: ConfigJson, layers: number): readonly RopeLayerType[] {
  const every = json.integer("global_attn_every_n_layers", 3);
  if (every < 1) throw json.wrong("global_attn_every_n_layers", "1 or more");
  const byNumber = Array.from({ length: layers }, (_, i) => (i % every === 0 ? "full_attention" : "sliding_attention"));
  return readLayerTypes(json, layers) ?? byNumber;
}

/** `local_attention` counts both sides. */
function sideOf(json: ConfigJson): number {
  const both = json.integer("local_attention", 128);
  if (both < 0) throw json.wrong("local_attention", "0 or more");
  return Math.floor(both / 2);
}

function build(config: ModernBertConfig, make: PartMaker): DecoderParts {
  const { vocabSize, hiddenSize: d, normEps, normBias, layerTypes, ropes } = config;
  const { tokens } = make.embedding("model.embeddings.tok_embeddings.weight", [vocabSize, d], false);
  return {
    embedding: { tokens, norm: make.layerNorm("model.embeddings.norm", d, normEps, normBias) },
    layers: layerTypes.map((_, i) => layer(config, make, i)),
    norm: make.layerNorm("model.final_norm", d, normEps, normBias),
    head: undefined,
    ropes: [ropes.full_attention, ropes.sliding_attention],
  };
}

function layer(config: ModernBertConfig, make: PartMaker, index: number): DecoderLayer {
  const { hiddenSize: d, intermediateSize: f, heads, kvHeads, headDim, normEps, normBias, side } = config;
  const path = `model.layers.${index}`;
  const isFull = config.layerTypes[index] === "full_attention";
  return {
    attentionNorm: index === 0 ? undefined : make.layerNorm(`${path}.attn_norm`, d, normEps, normBias),
    attention: {
      input: { qkv: make.linear(`${path}.attn.Wqkv`, d, 3 * d, config.attentionBias), groupedBy: "kind" },
      output: make.linear(`${path}.attn.Wo`, d, d, config.attentionBias),
      heads,
      kvHeads,
      headDim,
      scale: headDim ** -0.5,
      ahead: isFull ? WHOLE_SEGMENT : side,
      window: isFull ? undefined : side + 1,
      rotary: isFull ? 0 : 1,
    },
    mlpNorm: make.layerNorm(`${path}.mlp_norm`, d, normEps, normBias),
    mlp: {
      gate: "first half of up",
      up: make.linear(`${path}.mlp.Wi`, d, 2 * f, config.mlpBias),
      down: make.linear(`${path}.mlp.Wo`, f, d, config.mlpBias),
      activation: config.activation,
    },
  };
}
