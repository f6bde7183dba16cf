/** What the generations of Gemma share. */
import type { ConfigJson } from "../files/config.ts";
import { type Rope, type RopeLayerType, readRope } from "../files/rope.ts";
import {
  readActivation,
  readLayerTypes,
  readPositive,
  readPositiveOrNone,
  refuseBidirectional,
} from "./decoder-config.ts";
import { type LlamaConfig, readLlamaConfig } from "./llama-block.ts";

/** Significant bits of the dtypes that a checkpoint can have. */
const significantBits: Readonly<Record<string, number>> = { float32: 24, float16: 11, bfloat16: 8 };

/** Llama's block with scaled embeddings, larger heads, a gelu in the MLP and norms stored as their distance from 1. */
export function readGemmaConfig(json: ConfigJson, rope: Rope = readRope(json)): LlamaConfig {
  refuseBidirectional(json);
  const config = readLlamaConfig(json, { headDim: 256, tieEmbeddings: true }, rope);
  const bias = json.boolean("attention_bias", false);
  return {
    ...config,
    activation: readActivation(json, "hidden_activation", "gelu_pytorch_tanh"),
    normOffset: 1,
    initializer: { ...config.initializer, normWeight: 0 },
    qkvBias: bias,
    outputBias: bias,
    embeddingScale: embeddingScale(config.hiddenSize, json),
  };
}

export interface Gemma2Defaults {
  /** Whether layer i sees everything, where `layer_types` does not say it. */
  readonly isFull: (layer: number) => boolean;
  readonly attentionSoftcap?: number;
  readonly logitSoftcap?: number;
  /** Rotary positions of the two kinds of layers, where they differ. */
  readonly ropes?: Readonly<Record<RopeLayerType, Rope>>;
}

/** What Gemma 2 brought and Gemma 3 kept: norms over outputs, a scale of its own, windows in some layers, soft caps. */
export function readGemma2Config(json: ConfigJson, defaults: Gemma2Defaults): LlamaConfig {
  const { isFull, ropes } = defaults;
  const config = readGemmaConfig(json, ropes?.full_attention);
  const window = readPositiveOrNone(json, "sliding_window", 4096);
  const byDefault = (_: unknown, i: number): RopeLayerType => (isFull(i) ? "full_attention" : "sliding_attention");
  const types = readLayerTypes(json, config.layers) ?? Array.from({ length: config.layers }, byDefault);
  return {
    ...config,
    outputNorms: true,
    attentionScale: readPositive(json, "query_pre_attn_scalar", 256) ** -0.5,
    attentionSoftcap: readPositiveOrNone(json, "attn_logit_softcapping", defaults.attentionSoftcap),
    logitSoftcap: readPositiveOrNone(json, "final_logit_softcapping", defaults.logitSoftcap),
    windows: types.map((type) => (type === "sliding_attention" ? window : undefined)),
    ropes: ropes ? types.map((type) => ropes[type]) : config.ropes,
  };
}

/** √d in the dtype of the checkpoint's embedding: 55.5 for d = 3072 in bf16. */
function embeddingScale(hiddenSize: number, json: ConfigJson): number {
  const dtype = json.optionalString("dtype") ?? json.string("torch_dtype", "float32");
  const scale = Math.sqrt(hiddenSize);
  const step = 2 ** (Math.floor(Math.log2(scale)) + 1 - (significantBits[dtype] ?? 24));
  return Math.round(scale / step) * step;
}
