/** What a decoder or encoder is made of, and the maker of its pieces out of parameters by the checkpoint's names. */
import type { DecoderLayer } from "../../engine/nn/decoder-layer.ts";
import type { HostRows } from "../../engine/nn/host-rows.ts";
import { Linear } from "../../engine/nn/linear.ts";
import type { LayerNorm, Norm, RmsNorm } from "../../engine/nn/norm.ts";
import type { PostNormLayer } from "../../engine/nn/post-norm-layer.ts";
import type { Sequence } from "../../engine/nn/sequence.ts";
import type { CompressedWeight } from "../../engine/ops/linear/group.ts";
import type { Shape, Tensor } from "../../engine/tensor/tensor.ts";
import type { Rope } from "../files/rope.ts";

export interface DecoderParts {
  readonly embedding: {
    /** [vocab, hidden] */
    readonly tokens: Tensor | HostRows;
    /** What token embeddings are multiplied by; default 1. */
    readonly scale?: number;
    /** [positions, hidden], learned, added to the tokens'. */
    readonly positions?: Tensor;
    /** Which of them each token has; default: its depth. */
    readonly positionsOf?: (sequence: Sequence) => Int32Array;
    /** [types, hidden]: the first is added to all tokens (BERT's first sentence). */
    readonly types?: Tensor;
    /** Over the sum. */
    readonly norm?: Norm;
  };
  readonly layers: readonly DecoderLayer[] | readonly PostNormLayer[];
  /** Over what the last layer gives; undefined: none. */
  readonly norm: Norm | undefined;
  /** [vocab, hidden]; the embedding itself where they are tied; undefined where no words are asked for. */
  readonly head: Tensor | undefined;
  /** The kinds of rotary positions, which attention blocks refer to by their place here. */
  readonly ropes: readonly Rope[];
}

/** Where a decoder's parameters come from: a checkpoint, or random numbers. */
export interface ParameterSource {
  /** A parameter as a tensor of its own. */
  readonly tensor: (name: string, shape: Shape) => Tensor;
  /** The weight of a linear layer, which may be compressed. */
  readonly linearWeight: (name: string, shape: Shape) => Tensor | CompressedWeight;
  /** An embedding that is not the head too. */
  readonly embedding: (name: string, shape: Shape) => Tensor | HostRows;
}

export class PartMaker {
  /** Every linear layer made, by module path. */
  readonly linears: Map<string, Linear> = new Map();
  readonly #source: ParameterSource;
  readonly #languageHead: boolean;

  /** @param languageHead whether the vocabulary projection is wanted; default true */
  constructor(source: ParameterSource, languageHead: boolean = true) {
    this.#source = source;
    this.#languageHead = languageHead;
  }

  tensor(name: string, shape: Shape): Tensor {
    return this.#source.tensor(name, shape);
  }

  /**
   * The token embedding [vocab, hidden], and what makes the head when its turn comes: lm_head, or the embedding itself
   * where they are tied; nothing where no words are asked for.
   */
  embedding(name: string, shape: Shape, tied: boolean): { tokens: Tensor | HostRows; head: () => Tensor | undefined } {
    if (!this.#languageHead) return { tokens: this.#source.embedding(name, shape), head: () => undefined };
    if (!tied) return { tokens: this.#source.embedding(name, shape), head: () => this.tensor("lm_head.weight", shape) };
    const tokens = this.tensor(name, shape);
    return { tokens, head: () => tokens };
  }

  linear(path: string, inFeatures: number, outFeatures: number, bias: boolean): Linear {
    const weight = this.#source.linearWeight(`${path}.weight`, [outFeatures, inFeatures]);
    const made = new Linear(path, weight, bias ? this.tensor(`${path}.bias`, [outFeatures]) : undefined);
    this.linears.set(path, made);
    return made;
  }

  rmsNorm(path: string, width: number, eps: number, offset: 0 | 1 = 0): RmsNorm {
    return { kind: "rms", weight: this.tensor(`${path}.weight`, [width]), eps, offset };
  }

  layerNorm(path: string, width: number, eps: number, bias: boolean = true): LayerNorm {
    const weight = this.tensor(`${path}.weight`, [width]);
    return { kind: "layer", weight, bias: bias ? this.tensor(`${path}.bias`, [width]) : undefined, eps };
  }
}
