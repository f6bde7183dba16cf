/** What a decoder-only transformer is, in one vocabulary; each family says how its config.json spells it. */
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import type { Activation } from "../../engine/ops/gated/gated.ts";
import type { ConfigJson } from "../files/config.ts";
import { type Rope, readRope } from "../files/rope.ts";

export interface DecoderConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly activation: Activation;
  readonly normEps: number;
  readonly maxPositions: number;
  readonly initializerRange: number;
  readonly tieEmbeddings: boolean;
  readonly rope: Rope;
  /** Which linear layers have a bias. */
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  /** RMSNorm over each head's q and k before the rotation. */
  readonly headNorms: boolean;
  /** Sliding window of a layer, undefined: full attention. */
  readonly windows: readonly (number | undefined)[];
  readonly eosTokens: readonly number[];
}

/** Far above any model there is; a bound for what a config.json can make us allocate. */
const MAX_LAYERS = 4096;

/** Hugging Face's names of activations, and ours. */
const activations: Readonly<Record<string, Activation>> = {
  silu: "silu",
  swish: "silu",
  gelu: "gelu",
  gelu_new: "gelu_pytorch_tanh",
  gelu_pytorch_tanh: "gelu_pytorch_tanh",
};

/** What Llama's descendants share; families add to it. Biases and head norms are off, attention is full. */
export function readDecoderConfig(json: ConfigJson, defaults: { readonly headDim?: number } = {}): DecoderConfig {
  const positive = (key: string, fallback?: number): number => {
    const value = json.integer(key, fallback);
    if (value <= 0 || value > 2 ** 31) throw json.wrong(key, "a whole number from 1 to 2^31");
    return value;
  };
  const hiddenSize = positive("hidden_size");
  const heads = positive("num_attention_heads");
  const kvHeads = positive("num_key_value_heads", heads);
  if (heads % kvHeads !== 0) throw json.wrong("num_key_value_heads", `a divisor of num_attention_heads (${heads})`);
  const headDim = positive("head_dim", defaults.headDim ?? Math.floor(hiddenSize / heads));
  if (headDim % 2 !== 0) throw json.wrong("head_dim", "even, for rotary positions");
  const layers = positive("num_hidden_layers");
  if (layers > MAX_LAYERS) throw json.wrong("num_hidden_layers", `at most ${MAX_LAYERS}`);
  const normEps = json.number("rms_norm_eps", 1e-6);
  if (!(normEps > 0)) throw json.wrong("rms_norm_eps", "larger than 0");
  return {
    vocabSize: positive("vocab_size"),
    hiddenSize,
    intermediateSize: positive("intermediate_size"),
    layers,
    heads,
    kvHeads,
    headDim,
    activation: readActivation(json, "hidden_act"),
    normEps,
    maxPositions: positive("max_position_embeddings"),
    initializerRange: json.number("initializer_range", 0.02),
    tieEmbeddings: json.boolean("tie_word_embeddings", false),
    rope: readRope(json),
    qkvBias: false,
    outputBias: false,
    mlpBias: false,
    headNorms: false,
    windows: Array.from({ length: layers }, () => undefined),
    eosTokens: json.integers("eos_token_id"),
  };
}

function readActivation(json: ConfigJson, key: string): Activation {
  const name = json.string(key, "silu");
  const activation = Object.hasOwn(activations, name) ? activations[name] : undefined;
  if (activation !== undefined) return activation;
  throw new UserError({
    code: "config/unknown-activation",
    message: `the activation "${name}" is not known`,
    where: `${json.where}: ${key}`,
    fix: suggestName(name, Object.keys(activations)),
  });
}

/**
 * Qwen's sliding windows: off unless `use_sliding_window`; `layer_types` decides, otherwise layers from
 * `max_window_layers` on.
 */
export function qwenWindows(json: ConfigJson, layers: number): (number | undefined)[] {
  if (!json.boolean("use_sliding_window", false)) return Array.from({ length: layers }, () => undefined);
  const window = json.integer("sliding_window", 4096);
  const first = json.integer("max_window_layers", 28);
  const types = layerTypes(json, layers);
  return Array.from({ length: layers }, (_, i) =>
    (types ? types[i] === "sliding_attention" : i >= first) ? window : undefined,
  );
}

function layerTypes(json: ConfigJson, layers: number): string[] | undefined {
  const types = json.optionalStrings("layer_types");
  if (types && types.length !== layers) throw json.wrong("layer_types", `a list of ${layers} kinds`);
  return types;
}
