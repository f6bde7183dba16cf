/**
 * A decoder-only transformer, built from its description and a source of parameters. It knows nothing of adapters,
 * quantisation or training: those reach it through its `linears` and `parameters`, by checkpoint name.
 */
import type { Device } from "../../engine/device/device.ts";
import { type GatedMlp, gatedMlp } from "../../engine/nn/gated-mlp.ts";
import { HostRows } from "../../engine/nn/host-rows.ts";
import type { KvCache } from "../../engine/nn/kv-cache.ts";
import { type ForwardMode, Linear } from "../../engine/nn/linear.ts";
import { applyNorm, type RmsNorm } from "../../engine/nn/norm.ts";
import { type SelfAttention, selfAttention } from "../../engine/nn/self-attention.ts";
import { placeSequence, type Sequence, type SequenceTensors } from "../../engine/nn/sequence.ts";
import { add } from "../../engine/ops/add/add.ts";
import { embedding } from "../../engine/ops/embedding/embedding.ts";
import type { CompressedWeight } from "../../engine/ops/linear/group.ts";
import { gatherRows } from "../../engine/ops/rows/rows.ts";
import { discard, scope } from "../../engine/tensor/scope.ts";
import { recompute } from "../../engine/tensor/tape.ts";
import type { Shape, Tensor } from "../../engine/tensor/tensor.ts";
import type { DecoderConfig } from "./decoder-config.ts";
import { RotaryTables, rotaryFrequencies } from "./rotary.ts";

/** Where a decoder's parameters come from: a checkpoint, or random numbers. */
export interface ParameterSource {
  /** A parameter as a tensor of its own. */
  readonly tensor: (name: string, shape: Shape) => Tensor;
  /** The weight of a linear layer, which may be compressed. */
  readonly linearWeight: (name: string, shape: Shape) => Tensor | CompressedWeight;
  /** An embedding that is not the head too. */
  readonly embedding: (name: string, shape: Shape) => Tensor | HostRows;
}

/** What is not kept of the forward pass, to save memory; the numbers are the same whatever it is. */
export interface RecomputePlan {
  /** Outputs of norms and the middle of the MLP; the tape of the pass must have `dropCheap` for it. */
  readonly cheap: boolean;
  /** So many layers, from the first on, keep only their input and run again. */
  readonly fullLayers: number;
}

export interface HiddenOptions extends ForwardMode {
  /** Ascending token indices whose final hidden states are wanted; all by default. */
  readonly rows?: Int32Array | undefined;
  /** What the backward pass computes again; nothing by default. */
  readonly recompute?: RecomputePlan | undefined;
  /** Keys and values of the tokens before; this sequence's are appended. */
  readonly cache?: KvCache;
}

interface Layer {
  readonly inputNorm: RmsNorm;
  readonly attention: SelfAttention;
  readonly postAttentionNorm: RmsNorm;
  readonly mlp: GatedMlp;
}

export class Decoder implements Disposable {
  readonly config: DecoderConfig;
  readonly device: Device;
  /** Every linear layer inside the blocks, by module path. */
  readonly linears: ReadonlyMap<string, Linear>;
  /** [vocab, hidden]; the embedding itself where they are tied. */
  readonly head: Tensor;
  readonly #embedding: Tensor | HostRows;
  readonly #layers: readonly Layer[];
  readonly #norm: RmsNorm;
  readonly #rotary: RotaryTables;

  constructor(config: DecoderConfig, device: Device, source: ParameterSource) {
    this.config = config;
    this.device = device;
    const { hiddenSize, vocabSize, tieEmbeddings } = config;
    const builder = new LayerBuilder(config, source);
    const embeddingName = "model.embed_tokens.weight";
    const tied = tieEmbeddings ? source.tensor(embeddingName, [vocabSize, hiddenSize]) : undefined;
    this.#embedding = tied ?? source.embedding(embeddingName, [vocabSize, hiddenSize]);
    this.#layers = config.windows.map((window, i) => builder.layer(`model.layers.${i}`, window));
    this.#norm = builder.norm("model.norm", hiddenSize);
    this.head = tied ?? source.tensor("lm_head.weight", [vocabSize, hiddenSize]);
    this.linears = builder.linears;
    this.#rotary = new RotaryTables(device, rotaryFrequencies(config.rope, config.headDim));
  }

  /**
   * Final hidden states, normalised: [wanted rows, hidden]. What the backward pass needs of the layout belongs to the
   * current scope, which must outlive it.
   */
  hidden(sequence: Sequence, options: HiddenOptions = {}): Tensor {
    const { rows, cache } = options;
    const longest = sequence.positions.reduce((most, position) => Math.max(most, position), 0);
    const table = this.#rotary.upTo(longest + 1);
    const placed = placeSequence(this.device, sequence, table, rows, cache?.length);
    // [tokens, hidden]
    let h =
      this.#embedding instanceof HostRows
        ? this.#embedding.embed(this.device, sequence.tokens)
        : embedding(this.#embedding, placed.tokens);
    this.#layers.forEach((layer, i) => {
      const last = i === this.#layers.length - 1;
      const store = cache && { store: cache, layer: i };
      const forward = ([x]: readonly Tensor[]): Tensor => layerForward(x!, layer, placed, options, last, store);
      const again = i < (options.recompute?.fullLayers ?? 0);
      const next = again ? recompute([h], forward) : scope(() => forward([h]));
      discard(h);
      h = next;
    });
    cache?.advance(sequence.tokens.length);
    return applyNorm(h, this.#norm); // [wanted, hidden]
  }

  [Symbol.dispose](): void {
    this.#rotary[Symbol.dispose]();
  }
}

function layerForward(
  x: Tensor,
  layer: Layer,
  sequence: SequenceTensors,
  mode: ForwardMode,
  last: boolean,
  cache: { store: KvCache; layer: number } | undefined,
): Tensor {
  const normed = applyNorm(x, layer.inputNorm);
  const mixed = selfAttention(normed, layer.attention, sequence, mode, last, cache);
  const kept = last && sequence.wanted ? gatherRows(x, sequence.wanted.index) : x;
  const h = add(kept, mixed);
  return add(h, gatedMlp(applyNorm(h, layer.postAttentionNorm), layer.mlp, mode));
}

/** Makes layers out of named parameters. */
class LayerBuilder {
  readonly linears = new Map<string, Linear>();
  readonly #config: DecoderConfig;
  readonly #source: ParameterSource;

  constructor(config: DecoderConfig, source: ParameterSource) {
    this.#config = config;
    this.#source = source;
  }

  layer(path: string, window: number | undefined): Layer {
    const { hiddenSize: d, intermediateSize: f, heads, kvHeads, headDim, mlpBias, qkvBias, outputBias } = this.#config;
    const attention = `${path}.self_attn`;
    const headNorm = (name: string): RmsNorm | undefined =>
      this.#config.headNorms ? this.norm(`${attention}.${name}`, headDim) : undefined;
    return {
      inputNorm: this.norm(`${path}.input_layernorm`, d),
      attention: {
        q: this.#linear(`${attention}.q_proj`, d, heads * headDim, qkvBias),
        k: this.#linear(`${attention}.k_proj`, d, kvHeads * headDim, qkvBias),
        v: this.#linear(`${attention}.v_proj`, d, kvHeads * headDim, qkvBias),
        o: this.#linear(`${attention}.o_proj`, heads * headDim, d, outputBias),
        qNorm: headNorm("q_norm"),
        kNorm: headNorm("k_norm"),
        heads,
        kvHeads,
        headDim,
        scale: headDim ** -0.5,
        window,
      },
      postAttentionNorm: this.norm(`${path}.post_attention_layernorm`, d),
      mlp: {
        gate: this.#linear(`${path}.mlp.gate_proj`, d, f, mlpBias),
        up: this.#linear(`${path}.mlp.up_proj`, d, f, mlpBias),
        down: this.#linear(`${path}.mlp.down_proj`, f, d, mlpBias),
        activation: this.#config.activation,
      },
    };
  }

  norm(path: string, width: number): RmsNorm {
    return { weight: this.#source.tensor(`${path}.weight`, [width]), eps: this.#config.normEps, offset: 0 };
  }

  #linear(path: string, input: number, output: number, bias: boolean): Linear {
    const weight = this.#source.linearWeight(`${path}.weight`, [output, input]);
    const made = new Linear(path, weight, bias ? this.#source.tensor(`${path}.bias`, [output]) : undefined);
    this.linears.set(path, made);
    return made;
  }
}
