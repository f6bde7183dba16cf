/** What a decoder-only transformer or an encoder is, in one vocabulary; each family says how its config.json spells it. */
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import type { Activation } from "../../engine/ops/activation/activation.ts";
import type { Initializer } from "../../engine/optim/random-init.ts";
import type { ConfigJson } from "../files/config.ts";
import type { RopeLayerType } from "../files/rope.ts";
import type { DecoderParts, PartMaker } from "./decoder-parts.ts";
import type { EncoderTraits } from "./encoder-traits.ts";

export interface DecoderConfig extends DecoderSizes {
  /** Makes the parts, in the order of the checkpoint. */
  readonly build: (make: PartMaker) => DecoderParts;
  /** Of encoders only. */
  readonly encoder?: EncoderTraits;
}

/** What is known of a decoder without its layers. */
export interface DecoderSizes {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  /** Matrices of an MLP: 3 with a gate, 2 without. */
  readonly mlpMatrices: 2 | 3;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly maxPositions: number;
  readonly tieEmbeddings: boolean;
  /** Logits are squeezed into ± this by tanh; undefined: not. */
  readonly logitSoftcap: number | undefined;
  /** For a model that starts from nothing. */
  readonly initializer: Initializer;
  readonly eosTokens: readonly number[];
}

export interface SizeDefaults {
  readonly mlpMatrices?: 2;
  readonly headDim?: number;
  readonly tieEmbeddings?: boolean;
  readonly initializerRange?: number;
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
  gelu_python: "gelu",
  gelu_python_tanh: "gelu_pytorch_tanh",
  gelu_fast: "gelu_pytorch_tanh",
  gelu_accurate: "gelu_pytorch_tanh",
  relu: "relu",
  tanh: "tanh",
  quick_gelu: "quick_gelu",
};

/** The sizes by the names that most families use. Logits have no soft cap. */
export function readSizes(json: ConfigJson, defaults: SizeDefaults = {}): DecoderSizes {
  const hiddenSize = readSize(json, "hidden_size");
  const heads = readSize(json, "num_attention_heads");
  const kvHeads = readSize(json, "num_key_value_heads", heads);
  if (heads % kvHeads !== 0) throw json.wrong("num_key_value_heads", `a divisor of num_attention_heads (${heads})`);
  const headDim = readSize(json, "head_dim", defaults.headDim ?? Math.floor(hiddenSize / heads));
  if (headDim % 2 !== 0) throw json.wrong("head_dim", "even, for rotary positions");
  return {
    vocabSize: readSize(json, "vocab_size"),
    hiddenSize,
    intermediateSize: readSize(json, "intermediate_size"),
    mlpMatrices: defaults.mlpMatrices ?? 3,
    layers: readLayers(json, "num_hidden_layers"),
    heads,
    kvHeads,
    headDim,
    maxPositions: readSize(json, "max_position_embeddings"),
    tieEmbeddings: json.boolean("tie_word_embeddings", defaults.tieEmbeddings ?? false),
    logitSoftcap: undefined,
    initializer: { range: json.number("initializer_range", defaults.initializerRange ?? 0.02) },
    eosTokens: json.integers("eos_token_id"),
  };
}

export function readSize(json: ConfigJson, key: string, fallback?: number): number {
  const value = json.integer(key, fallback);
  if (value <= 0 || value > 2 ** 31) throw json.wrong(key, "a whole number from 1 to 2^31");
  return value;
}

export function readLayers(json: ConfigJson, key: string, fallback?: number): number {
  const layers = readSize(json, key, fallback);
  if (layers > MAX_LAYERS) throw json.wrong(key, `at most ${MAX_LAYERS}`);
  return layers;
}

/** A number above 0, such as the epsilon of a norm. */
export function readPositive(json: ConfigJson, key: string, fallback: number): number {
  const value = json.number(key, fallback);
  if (!(value > 0)) throw json.wrong(key, "larger than 0");
  return value;
}

/** The same where null means that there is none, and only a missing key takes the default. */
export function readPositiveOrNone(json: ConfigJson, key: string, fallback: number | undefined): number | undefined {
  if (Object.hasOwn(json.json, key)) return json.has(key) ? readPositive(json, key, 0) : undefined;
  return fallback;
}

export function readActivation(json: ConfigJson, key: string, fallback: Activation): Activation {
  const name = json.string(key, fallback);
  const activation = Object.hasOwn(activations, name) ? activations[name] : undefined;
  if (activation !== undefined) return activation;
  throw new UserError({
    code: "config/unknown-activation",
    message: `the activation "${name}" is not known`,
    where: `${json.where}: ${key}`,
    fix: suggestName(name, Object.keys(activations)),
  });
}

/** `layer_types`, when it is there. */
export function readLayerTypes(json: ConfigJson, layers: number): readonly RopeLayerType[] | undefined {
  const types = json.optionalStrings("layer_types");
  if (types === undefined) return undefined;
  if (types.length !== layers) throw json.wrong("layer_types", `a list of ${layers} kinds`);
  if (types.every(isLayerType)) return types;
  throw json.wrong("layer_types", "a list of full_attention and sliding_attention");
}

function isLayerType(type: string): type is RopeLayerType {
  return type === "full_attention" || type === "sliding_attention";
}

/** @throws UserError where the model is an encoder in the shape of a decoder (`use_bidirectional_attention`). */
export function refuseBidirectional(json: ConfigJson): void {
  const key = "use_bidirectional_attention";
  if (json.boolean(key, false)) throw json.wrong(key, "false: only causal attention is supported");
}
