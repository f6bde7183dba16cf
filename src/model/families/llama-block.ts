/** Llama's block, and the switches by which its descendants differ from it. */
import type { DecoderLayer } from "../../engine/nn/decoder-layer.ts";
import type { RmsNorm } from "../../engine/nn/norm.ts";
import type { Activation } from "../../engine/ops/activation/activation.ts";
import type { ConfigJson } from "../files/config.ts";
import { type Rope, readRope } from "../files/rope.ts";
import {
  type DecoderSizes,
  readActivation,
  readLayerTypes,
  readPositive,
  readSizes,
  type SizeDefaults,
} from "./decoder-config.ts";
import type { DecoderParts, PartMaker } from "./decoder-parts.ts";
import type { Family } from "./family.ts";

export interface LlamaConfig extends DecoderSizes {
  readonly activation: Activation;
  readonly normEps: number;
  /** 1 where norms store their weight as its distance from 1. */
  readonly normOffset: 0 | 1;
  /** Which linear layers have a bias. */
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  /** RMSNorm over each head's q and k before the rotation. */
  readonly headNorms: boolean;
  /** RMSNorm over what attention and MLP give as well. */
  readonly outputNorms: boolean;
  /** Token embeddings are multiplied by this. */
  readonly embeddingScale: number;
  /** Attention scores are q·k times this. */
  readonly attentionScale: number;
  /** They are squeezed into ± this by tanh; undefined: not. */
  readonly attentionSoftcap: number | undefined;
  /** Sliding window of each layer, undefined: full attention. */
  readonly windows: readonly (number | undefined)[];
  /** Rotary positions of each layer. */
  readonly ropes: readonly Rope[];
}

/** Llama itself, without biases; families change what is different. All layers turn by `rope`. */
export function readLlamaConfig(
  json: ConfigJson,
  defaults: SizeDefaults = {},
  rope: Rope = readRope(json),
): LlamaConfig {
  const sizes = readSizes(json, defaults);
  return {
    ...sizes,
    activation: readActivation(json, "hidden_act", "silu"),
    normEps: readPositive(json, "rms_norm_eps", 1e-6),
    normOffset: 0,
    qkvBias: false,
    outputBias: false,
    mlpBias: false,
    headNorms: false,
    outputNorms: false,
    embeddingScale: 1,
    attentionScale: sizes.headDim ** -0.5,
    attentionSoftcap: undefined,
    windows: Array.from({ length: sizes.layers }, () => undefined),
    ropes: Array.from({ length: sizes.layers }, () => rope),
  };
}

/** A family whose models are made of Llama's block. */
export interface LlamaFamily extends Family {
  /** The description that the model is built by. */
  readonly readBlock: (json: ConfigJson) => LlamaConfig;
}

export function llamaFamily(readBlock: (json: ConfigJson) => LlamaConfig): LlamaFamily {
  return {
    readBlock,
    readConfig(json) {
      const config = readBlock(json);
      return { ...config, build: (make) => build(config, make) };
    },
  };
}

function build(config: LlamaConfig, make: PartMaker): DecoderParts {
  const { vocabSize, hiddenSize, normEps, normOffset } = config;
  const ropes = [...new Set(config.ropes)];
  const { tokens, head } = make.embedding("model.embed_tokens.weight", [vocabSize, hiddenSize], config.tieEmbeddings);
  return {
    embedding: { tokens, scale: config.embeddingScale },
    layers: config.ropes.map((rope, i) => layer(config, make, i, ropes.indexOf(rope))),
    norm: make.rmsNorm("model.norm", hiddenSize, normEps, normOffset),
    head: head(),
    ropes,
  };
}

function layer(config: LlamaConfig, make: PartMaker, index: number, rotary: number): DecoderLayer {
  const { hiddenSize: d, intermediateSize: f, heads, kvHeads, headDim, qkvBias, outputBias, mlpBias } = config;
  const path = `model.layers.${index}`;
  const attention = `${path}.self_attn`;
  const norm = (name: string, width = d): RmsNorm =>
    make.rmsNorm(`${path}.${name}`, width, config.normEps, config.normOffset);
  return {
    attentionNorm: norm("input_layernorm"),
    attention: {
      input: {
        q: make.linear(`${attention}.q_proj`, d, heads * headDim, qkvBias),
        k: make.linear(`${attention}.k_proj`, d, kvHeads * headDim, qkvBias),
        v: make.linear(`${attention}.v_proj`, d, kvHeads * headDim, qkvBias),
      },
      output: make.linear(`${attention}.o_proj`, heads * headDim, d, outputBias),
      ...(config.headNorms && { qNorm: norm("self_attn.q_norm", headDim), kNorm: norm("self_attn.k_norm", headDim) }),
      heads,
      kvHeads,
      headDim,
      scale: config.attentionScale,
      softcap: config.attentionSoftcap,
      window: config.windows[index],
      rotary,
    },
    // With norms over outputs, the name of the norm before the MLP goes to the one after attention.
    ...(config.outputNorms && { attentionOutputNorm: norm("post_attention_layernorm") }),
    mlpNorm: norm(config.outputNorms ? "pre_feedforward_layernorm" : "post_attention_layernorm"),
    mlp: {
      gate: make.linear(`${path}.mlp.gate_proj`, d, f, mlpBias),
      up: make.linear(`${path}.mlp.up_proj`, d, f, mlpBias),
      down: make.linear(`${path}.mlp.down_proj`, f, d, mlpBias),
      activation: config.activation,
    },
    ...(config.outputNorms && { mlpOutputNorm: norm("post_feedforward_layernorm") }),
  };
}

/**
 * Qwen's sliding windows: off unless `use_sliding_window`; `layer_types` decides, otherwise layers from
 * `max_window_layers` on.
 */
export function qwenWindows(json: ConfigJson, layers: number): (number | undefined)[] {
  if (!json.boolean("use_sliding_window", false)) return Array.from({ length: layers }, () => undefined);
  const window = json.integer("sliding_window", 4096);
  const first = json.integer("max_window_layers", 28);
  const types = readLayerTypes(json, layers);
  return Array.from({ length: layers }, (_, i) =>
    (types ? types[i] === "sliding_attention" : i >= first) ? window : undefined,
  );
}
