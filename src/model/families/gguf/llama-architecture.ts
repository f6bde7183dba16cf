/** Models made of Llama's block, as llama.cpp knows them (src/models/{llama,qwen2,qwen3,gemma,gemma2,gemma3}.cpp). */
import type { ConfigJson } from "../../files/config.ts";
import type { GgufValue } from "../../files/gguf-types.ts";
import type { LlamaConfig, LlamaFamily } from "../llama-block.ts";
import {
  f32,
  type GgufDescription,
  type GgufTensorNames,
  type GgufTensorPlan,
  ggufTensorName,
  notInLlamaCpp,
  u32,
} from "./architecture.ts";
import { llama3Factors, ropeScaling } from "./rope.ts";
import { inTurn, interleavedHalves, scaled, shifted } from "./transforms.ts";

interface Architecture {
  readonly name: string;
  /** Rotates neighbours where the checkpoint rotates halves: rows of q and k change places. */
  readonly interleaved?: true;
  readonly activation: LlamaConfig["activation"];
  /** Biases that it reads. */
  readonly biases: readonly ("qkv" | "output" | "mlp")[];
  /** Reads rope_freqs, Llama 3's factors. */
  readonly ropeFactors?: true;
  /** Every so many layers, the last one of them sees everything and the others a window; undefined: all see everything. */
  readonly windowPeriod?: number;
  /** Reads a head of its own where embeddings are not tied. */
  readonly untied: boolean;
  /** Has soft caps on scores and logits, and cannot be without. */
  readonly softcaps?: true;
  /** What it multiplies q·k by. */
  readonly scale: (config: LlamaConfig) => number;
}

const perHead = ({ headDim }: LlamaConfig): number => headDim ** -0.5;
/** llama.cpp tells the largest models by their number of layers. */
const perHeadUnless =
  (largest: number) =>
  (config: LlamaConfig): number =>
    config.layers === largest ? Math.floor(config.hiddenSize / config.heads) ** -0.5 : perHead(config);

export type LlamaArchitecture = "llama" | "qwen2" | "qwen3" | "gemma" | "gemma2" | "gemma3";

const architectures: Readonly<Record<LlamaArchitecture, Architecture>> = {
  llama: {
    name: "llama",
    interleaved: true,
    activation: "silu",
    biases: ["qkv", "output", "mlp"],
    ropeFactors: true,
    untied: true,
    scale: perHead,
  },
  qwen2: { name: "qwen2", activation: "silu", biases: ["qkv"], untied: true, scale: perHead },
  qwen3: { name: "qwen3", activation: "silu", biases: ["qkv"], untied: true, scale: perHead },
  gemma: { name: "gemma", activation: "gelu_pytorch_tanh", biases: [], untied: false, scale: perHead },
  gemma2: {
    name: "gemma2",
    activation: "gelu_pytorch_tanh",
    biases: [],
    windowPeriod: 2,
    untied: false,
    softcaps: true,
    scale: perHeadUnless(46),
  },
  gemma3: {
    name: "gemma3",
    activation: "gelu_pytorch_tanh",
    biases: [],
    windowPeriod: 6,
    untied: true,
    scale: perHeadUnless(62),
  },
};

const names: GgufTensorNames = {
  layerPrefix: "model.layers.",
  inLayer: {
    input_layernorm: "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    post_attention_layernorm: "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
  },
  outside: { "model.embed_tokens": "token_embd", "model.norm": "output_norm", lm_head: "output" },
};
const namesWithOutputNorms: GgufTensorNames = {
  ...names,
  inLayer: {
    ...names.inLayer,
    post_attention_layernorm: "post_attention_norm",
    pre_feedforward_layernorm: "ffn_norm",
    post_feedforward_layernorm: "post_ffw_norm",
  },
};

/** @throws UserError where llama.cpp has no such switch of the block */
export function describeLlamaBlock(
  family: LlamaFamily,
  architecture: LlamaArchitecture,
  json: ConfigJson,
): GgufDescription {
  const config = family.readBlock(json);
  const known = architectures[architecture];
  refuse(config, known, json);
  const rope = config.ropes[config.windows.lastIndexOf(undefined)] ?? config.ropes[0]!;
  const period = windowPeriod(config, known, json);
  const metadata = new Map<string, GgufValue>([
    ["block_count", u32(config.layers)],
    ["context_length", u32(config.maxPositions)],
    ["embedding_length", u32(config.hiddenSize)],
    ["feed_forward_length", u32(config.intermediateSize)],
    ["attention.head_count", u32(config.heads)],
    ["attention.head_count_kv", u32(config.kvHeads)],
    ["attention.key_length", u32(config.headDim)],
    ["attention.value_length", u32(config.headDim)],
    ["attention.layer_norm_rms_epsilon", f32(config.normEps)],
    ["rope.dimension_count", u32(config.headDim)],
    ["rope.freq_base", f32(rope.theta)],
    ["vocab_size", u32(config.vocabSize)],
    ...ropeScaling(rope, json, known.ropeFactors === true),
  ]);
  if (known.softcaps) {
    metadata.set("attn_logit_softcapping", f32(config.attentionSoftcap!));
    metadata.set("final_logit_softcapping", f32(config.logitSoftcap!));
  }
  const local = config.windows.findIndex((window) => window !== undefined);
  if (known.windowPeriod !== undefined && local >= 0) {
    metadata.set("attention.sliding_window", u32(config.windows[local]!));
    if (period !== known.windowPeriod) metadata.set("attention.sliding_window_pattern", u32(period));
    metadata.set("rope.freq_base_swa", f32(config.ropes[local]!.theta));
  }
  return {
    architecture: known.name,
    metadata,
    tensor: (parameter) => planTensor(config, known, parameter),
    extra: known.ropeFactors ? llama3Factors(rope, config.headDim) : [],
    notes: notesOn(config, known),
  };
}

function planTensor(config: LlamaConfig, known: Architecture, parameter: string): GgufTensorPlan {
  const name = ggufTensorName(config.outputNorms ? namesWithOutputNorms : names, parameter);
  const scale = queryScale(config, known);
  const scaleOfQuery = scale === 1 ? undefined : scaled(scale);
  if (name.endsWith("_norm.weight")) {
    const offset = config.normOffset === 1 ? shifted(1) : undefined;
    // After the norm of q nothing comes before q·k but the rotation.
    const isQueryNorm = name.endsWith("attn_q_norm.weight");
    return { name, transform: inTurn(offset, isQueryNorm ? scaleOfQuery : undefined), inF32: true };
  }
  const order = (heads: number) => (known.interleaved ? interleavedHalves(heads, config.headDim) : undefined);
  if (/\.attn_q\.(weight|bias)$/.test(name)) {
    return { name, transform: inTurn(config.headNorms ? undefined : scaleOfQuery, order(config.heads)) };
  }
  if (/\.attn_k\.(weight|bias)$/.test(name)) return { name, transform: inTurn(order(config.kvHeads)) };
  return { name };
}

/** What q is multiplied by so that llama.cpp's own scale gives the model's: 1 for models as they were released. */
function queryScale(config: LlamaConfig, { scale }: Architecture): number {
  const quotient = config.attentionScale / scale(config);
  return Math.abs(quotient - 1) < 1e-6 ? 1 : quotient;
}

function refuse(config: LlamaConfig, known: Architecture, json: ConfigJson): void {
  const { activation, biases, untied, softcaps, name } = known;
  const lacks = (what: string): Error => notInLlamaCpp(json, `its ${name} ${what}`);
  if (config.activation !== activation) throw lacks(`computes ${activation}, the model ${config.activation}`);
  if (config.qkvBias && !biases.includes("qkv")) throw lacks("has no biases on q, k and v");
  if (config.outputBias && !biases.includes("output")) throw lacks("has no bias on the output of attention");
  if (config.mlpBias && !biases.includes("mlp")) throw lacks("has no biases in the MLP");
  if (!config.tieEmbeddings && !untied) throw lacks("has no head besides the embedding");
  const [ofScores, ofLogits] = [config.attentionSoftcap !== undefined, config.logitSoftcap !== undefined];
  if (softcaps && !(ofScores && ofLogits)) throw lacks("always has soft caps");
  if (!softcaps && (ofScores || ofLogits)) throw lacks("has no soft caps");
}

/** @throws UserError where windows do not come in the regular order that llama.cpp knows */
function windowPeriod(
  { windows, ropes }: LlamaConfig,
  { windowPeriod: usual }: Architecture,
  json: ConfigJson,
): number {
  if (usual === undefined) return 0;
  const isLocal = windows.map((window) => window !== undefined);
  if (!isLocal.includes(true)) return usual;
  const fits = (period: number): boolean => isLocal.every((local, i) => local === i % period < period - 1);
  const period = [usual, ...Array.from({ length: windows.length + 1 }, (_, i) => i + 1)].find(fits);
  if (period === undefined) throw notInLlamaCpp(json, "layers with a sliding window must come at regular places");
  const local = new Set(ropes.filter((_, i) => isLocal[i]));
  if ([...local].some(({ scaling }) => scaling.type !== "default" && ropes.some((rope) => !local.has(rope)))) {
    throw notInLlamaCpp(json, "rotary positions of layers with a sliding window cannot be scaled");
  }
  return period;
}

function notesOn({ windows, maxPositions }: LlamaConfig, { windowPeriod: period }: Architecture): string[] {
  const window = windows.find((found) => found !== undefined && found < maxPositions);
  if (period !== undefined || window === undefined) return [];
  return [`llama.cpp has no sliding window for this model: beyond ${window} tokens it answers otherwise`];
}
