/**
 * A decoder-only transformer, or an encoder, which is one that looks ahead and writes no words; built from its description
 * and a source of parameters. It knows nothing of adapters, quantisation or training: those reach it through its `linears`
 * and `parameters`, by checkpoint name.
 */
import { UserError } from "../../base/errors.ts";
import type { Device } from "../../engine/device/device.ts";
import { type DecoderLayer, decoderLayer } from "../../engine/nn/decoder-layer.ts";
import { HostRows } from "../../engine/nn/host-rows.ts";
import type { ForwardMode, Linear } from "../../engine/nn/linear.ts";
import { applyNorm } from "../../engine/nn/norm.ts";
import type { PagedCache } from "../../engine/nn/paged-cache.ts";
import { type PostNormLayer, postNormLayer } from "../../engine/nn/post-norm-layer.ts";
import {
  type PagedSequence,
  placePaged,
  placeSequence,
  type RotaryTable,
  type Sequence,
  type SequenceTensors,
} from "../../engine/nn/sequence.ts";
import { add } from "../../engine/ops/add/add.ts";
import { embedding } from "../../engine/ops/embedding/embedding.ts";
import { linearF32 } from "../../engine/ops/linear/linear.ts";
import type { PageStore } from "../../engine/ops/paged-attention/paged-attention.ts";
import { discard, scope } from "../../engine/tensor/scope.ts";
import { recompute, record } from "../../engine/tensor/tape.ts";
import { fromHost, type Tensor, toFloats, view, zeros } from "../../engine/tensor/tensor.ts";
import type { DecoderConfig } from "./decoder-config.ts";
import { type DecoderParts, type ParameterSource, PartMaker } from "./decoder-parts.ts";
import { refuseWords } from "./encoder-traits.ts";
import { RotaryTables, rotaryFrequencies } from "./rotary.ts";

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
  /** Called in the backward pass when a layer and all after it are undone: their parameters' gradients are whole. */
  readonly onLayerUndone?: ((layer: number) => void) | undefined;
}

type Tokens = Sequence | PagedSequence;

export class Decoder implements Disposable {
  readonly config: DecoderConfig;
  readonly device: Device;
  /** Every linear layer inside the blocks, by module path. */
  readonly linears: ReadonlyMap<string, Linear>;
  readonly #parts: DecoderParts;
  readonly #rotary: readonly RotaryTables[];
  /** How far ahead layers see. */
  readonly #sights: readonly number[];

  /**
   * @param languageHead whether the vocabulary projection is made; default true
   * @throws UserError where the model has none
   */
  constructor(config: DecoderConfig, device: Device, source: ParameterSource, languageHead: boolean = true) {
    this.config = config;
    this.device = device;
    if (languageHead && config.encoder) refuseWords();
    const make = new PartMaker(source, languageHead);
    this.#parts = config.build(make);
    this.linears = make.linears;
    this.#sights = [...new Set(this.#parts.layers.map(({ attention }) => attention.ahead ?? 0))];
    this.#rotary = this.#parts.ropes.map((rope) => new RotaryTables(device, rotaryFrequencies(rope, config.headDim)));
  }

  /** [vocab, hidden]; the embedding itself where they are tied. */
  get head(): Tensor {
    const { head } = this.#parts;
    if (head === undefined) throw new Error("the decoder was made without a language head");
    return head;
  }

  /**
   * Final hidden states: [wanted rows, hidden]. What the backward pass needs of the layout belongs to the
   * current scope, which must outlive it.
   * @throws UserError when the sequence is longer than learned positions reach.
   */
  hidden(sequence: Sequence, options: HiddenOptions = {}): Tensor {
    const tables = this.#tablesFor(sequence);
    return this.#run(sequence, placeSequence(this.device, sequence, tables, options.rows, this.#sights), options);
  }

  /**
   * Final hidden states [wanted rows, hidden] of tokens that go on from what is in a cache, which has theirs afterwards. A
   * row does not depend on what else is computed, as far as the device's products do not.
   * @throws UserError as `hidden`
   */
  continued(sequence: PagedSequence, cache: PagedCache): Tensor {
    return this.#run(sequence, placePaged(this.device, sequence, this.#tablesFor(sequence)), {}, cache);
  }

  #tablesFor(sequence: Tokens): RotaryTable[] {
    const longest = lengthOf(sequence);
    return this.#rotary.map((tables) => tables.upTo(longest));
  }

  #run(sequence: Tokens, placed: SequenceTensors, options: HiddenOptions, cache?: PagedCache): Tensor {
    const { layers, norm } = this.#parts;
    let h = this.#embed(sequence, placed); // [tokens, hidden]
    const { onLayerUndone } = options;
    layers.forEach((layer, i) => {
      const entered = onLayerUndone ? marked(h, () => onLayerUndone(i)) : h;
      const last = i === layers.length - 1;
      const store = cache?.layer(i);
      const forward = ([x]: readonly Tensor[]): Tensor => layerOutput(x!, layer, placed, options, last, store);
      const again = i < (options.recompute?.fullLayers ?? 0);
      const next = again ? recompute([entered], forward) : scope(() => forward([entered]));
      discard(h);
      h = next;
    });
    return norm ? applyNorm(h, norm) : h; // [wanted, hidden]
  }

  /** Logits of hidden states [rows, hidden] on the host, [rows · vocab]; for few rows. */
  logits(hidden: Tensor): Float32Array {
    const { logitSoftcap: cap } = this.config;
    const logits = scope(() => toFloats(linearF32(hidden, this.head)));
    return cap === undefined ? logits : logits.map((logit) => cap * Math.tanh(logit / cap));
  }

  #embed(sequence: Tokens, placed: SequenceTensors): Tensor {
    const { tokens, scale = 1, positions, positionsOf, types, norm } = this.#parts.embedding;
    const { device } = this;
    const ofTokens =
      tokens instanceof HostRows ? tokens.embed(device, sequence.tokens) : embedding(tokens, placed.tokens, { scale });
    if (positions) refuseUnlearnedPositions(lengthOf(sequence), this.config.maxPositions);
    if (!(positions || types || norm)) return ofTokens;
    return scope(() => {
      let sum = ofTokens;
      if (types) sum = add(sum, embedding(types, zeros(device, [sequence.tokens.length], "i32")));
      if (positions) {
        const places = positionsOf && "expiry" in sequence ? fromHost(device, positionsOf(sequence)) : placed.positions;
        sum = add(sum, embedding(positions, places));
      }
      return norm ? applyNorm(sum, norm) : sum;
    });
  }

  [Symbol.dispose](): void {
    for (const tables of this.#rotary) tables[Symbol.dispose]();
  }
}

function lengthOf({ positions }: Tokens): number {
  return positions.reduce((most, position) => Math.max(most, position), 0) + 1;
}

/** @param last whether only `placed.wanted` rows are needed of the output */
/** The same tensor, which tells when the backward pass comes by. */
function marked(x: Tensor, onUndone: () => void): Tensor {
  const y = view(x, x.shape);
  record([y], [x], [], ([dy]) => {
    onUndone();
    return [dy];
  });
  return y;
}

function layerOutput(
  x: Tensor,
  layer: DecoderLayer | PostNormLayer,
  placed: SequenceTensors,
  mode: ForwardMode,
  last: boolean,
  store: PageStore | undefined,
): Tensor {
  if ("mlpSumNorm" in layer) return postNormLayer(x, layer, placed, mode, last);
  return decoderLayer(x, layer, placed, mode, last, store);
}

function refuseUnlearnedPositions(length: number, positions: number): void {
  if (length <= positions) return;
  throw new UserError({
    code: "model/too-long",
    message: `a text has ${length} tokens, the model has learned ${positions} positions`,
    fix: "shorten the text, or set a smaller max_length",
  });
}
