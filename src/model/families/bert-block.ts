/** BERT's embeddings and layers, and the switches by which RoBERTa differs. */
import type { PostNormLayer } from "../../engine/nn/post-norm-layer.ts";
import type { Sequence } from "../../engine/nn/sequence.ts";
import type { Activation } from "../../engine/ops/activation/activation.ts";
import type { ConfigJson } from "../files/config.ts";
import { type DecoderSizes, readActivation, readLayers, readPositive, readSize } from "./decoder-config.ts";
import type { DecoderParts, PartMaker } from "./decoder-parts.ts";
import { type EncoderTraits, refuseDecoderSwitches, WHOLE_SEGMENT } from "./encoder-traits.ts";
import type { Family } from "./family.ts";

export interface BertConfig extends DecoderSizes {
  readonly activation: Activation;
  readonly normEps: number;
  /** Rows of the table of positions. */
  readonly positions: number;
  /** Which of them each token has; default: its depth. */
  readonly positionsOf?: (sequence: Sequence) => Int32Array;
  /** Kinds of sentences; all tokens are of the first. */
  readonly types: number;
  readonly encoder: EncoderTraits;
}

/** @param prefix of all names but the head's */
export function bertFamily(prefix: string, read: (json: ConfigJson) => BertConfig): Family {
  return {
    readConfig(json) {
      const config = read(json);
      return { ...config, build: (make) => build(config, make, prefix) };
    },
  };
}

/** BERT itself. */
export function readBertConfig(json: ConfigJson, encoder: EncoderTraits): BertConfig {
  refuseDecoderSwitches(json);
  const hiddenSize = readSize(json, "hidden_size", 768);
  const heads = readSize(json, "num_attention_heads", 12);
  if (hiddenSize % heads !== 0) throw json.wrong("num_attention_heads", `a divisor of hidden_size (${hiddenSize})`);
  const positions = readSize(json, "max_position_embeddings", 512);
  return {
    vocabSize: readSize(json, "vocab_size", 30522),
    hiddenSize,
    intermediateSize: readSize(json, "intermediate_size", 3072),
    mlpMatrices: 2,
    layers: readLayers(json, "num_hidden_layers", 12),
    heads,
    kvHeads: heads,
    headDim: hiddenSize / heads,
    maxPositions: positions,
    tieEmbeddings: json.boolean("tie_word_embeddings", true),
    logitSoftcap: undefined,
    initializer: { range: json.number("initializer_range", 0.02) },
    eosTokens: json.integers("eos_token_id"),
    activation: readActivation(json, "hidden_act", "gelu"),
    normEps: readPositive(json, "layer_norm_eps", 1e-12),
    positions,
    types: readSize(json, "type_vocab_size", 2),
    encoder,
  };
}

function build(config: BertConfig, make: PartMaker, prefix: string): DecoderParts {
  const { vocabSize, hiddenSize: d, layers, positions, positionsOf, types, normEps } = config;
  const path = `${prefix}.embeddings`;
  const { tokens } = make.embedding(`${path}.word_embeddings.weight`, [vocabSize, d], false);
  return {
    embedding: {
      tokens,
      positions: make.tensor(`${path}.position_embeddings.weight`, [positions, d]),
      ...(positionsOf && { positionsOf }),
      types: make.tensor(`${path}.token_type_embeddings.weight`, [types, d]),
      norm: make.layerNorm(`${path}.LayerNorm`, d, normEps),
    },
    layers: Array.from({ length: layers }, (_, i) => layer(config, make, `${prefix}.encoder.layer.${i}`)),
    norm: undefined,
    head: undefined,
    ropes: [],
  };
}

function layer(config: BertConfig, make: PartMaker, path: string): PostNormLayer {
  const { hiddenSize: d, intermediateSize: f, heads, kvHeads, headDim, normEps, activation } = config;
  return {
    attention: {
      input: {
        q: make.linear(`${path}.attention.self.query`, d, d, true),
        k: make.linear(`${path}.attention.self.key`, d, d, true),
        v: make.linear(`${path}.attention.self.value`, d, d, true),
      },
      output: make.linear(`${path}.attention.output.dense`, d, d, true),
      heads,
      kvHeads,
      headDim,
      scale: headDim ** -0.5,
      ahead: WHOLE_SEGMENT,
    },
    attentionSumNorm: make.layerNorm(`${path}.attention.output.LayerNorm`, d, normEps),
    mlp: {
      up: make.linear(`${path}.intermediate.dense`, d, f, true),
      down: make.linear(`${path}.output.dense`, f, d, true),
      activation,
    },
    mlpSumNorm: make.layerNorm(`${path}.output.LayerNorm`, d, normEps),
  };
}
