/**
 * A classifier's head on a decoder: scores of labels from the hidden state of a text's last token, by the names of
 * transformers' `...ForSequenceClassification`, `score.weight` [labels, hidden] without bias. With a dense layer between it
 * is `score.dense` and `score.out_proj`, both with bias, as in RoBERTa's classification head. Its parameters are f32.
 */
import { hashLabel, mix32 } from "../../base/random.ts";
import type { Device } from "../../engine/device/device.ts";
import type { ForwardMode } from "../../engine/nn/linear.ts";
import { type Activation, activate } from "../../engine/ops/activation/activation.ts";
import { dropout } from "../../engine/ops/dropout/dropout.ts";
import { linear, linearF32 } from "../../engine/ops/linear/linear.ts";
import { unscoped } from "../../engine/tensor/scope.ts";
import { empty, type Shape, type Tensor } from "../../engine/tensor/tensor.ts";

export interface ClassHeadConfig {
  /** How many there are. */
  readonly labels: number;
  /** Width of the dense layer; null: none. */
  readonly dense: number | null;
  readonly activation: Activation;
  readonly dropout: number;
}

export class ClassHead {
  readonly config: ClassHeadConfig;
  /** By checkpoint name; they belong to the model's parameters. */
  readonly parameters: ReadonlyMap<string, Tensor>;

  /** @param parameters uninitialised, of `classHeadShapes` */
  constructor(config: ClassHeadConfig, parameters: ReadonlyMap<string, Tensor>) {
    this.config = config;
    this.parameters = parameters;
  }

  /** @param pooled [rows, hidden] @returns f32 [rows, labels] */
  logits(pooled: Tensor, { dropoutSeed }: ForwardMode = {}): Tensor {
    const { dense, activation, dropout: share } = this.config;
    if (dense === null) return linearF32(pooled, this.#parameter("weight"));
    const wide = linear(pooled, this.#parameter("dense.weight"), this.#parameter("dense.bias"));
    const active = activate(wide, activation);
    const drops = share > 0 && dropoutSeed !== undefined;
    const kept = drops ? dropout(active, share, mix32(dropoutSeed ^ hashLabel(CLASS_HEAD)), 0) : active;
    return linearF32(kept, this.#parameter("out_proj.weight"), this.#parameter("out_proj.bias"));
  }

  #parameter(name: string): Tensor {
    return this.parameters.get(`${CLASS_HEAD}.${name}`)!;
  }
}

/** Module path of the head. */
export const CLASS_HEAD = "score";

/** Whether a checkpoint's parameter is one of a class head. */
export function isOfClassHead(name: string): boolean {
  return name.startsWith(`${CLASS_HEAD}.`);
}

export function classHeadShapes({ labels, dense }: ClassHeadConfig, hidden: number): ReadonlyMap<string, Shape> {
  const shapes: readonly (readonly [string, Shape])[] =
    dense === null
      ? [["weight", [labels, hidden]]]
      : [
          ["dense.weight", [dense, hidden]],
          ["dense.bias", [dense]],
          ["out_proj.weight", [labels, dense]],
          ["out_proj.bias", [labels]],
        ];
  return new Map(shapes.map(([name, shape]) => [`${CLASS_HEAD}.${name}`, shape]));
}

/** Uninitialised, for the caller to own. */
export function emptyClassHead(config: ClassHeadConfig, hidden: number, device: Device): ClassHead {
  const parameters = [...classHeadShapes(config, hidden)].map(
    ([name, shape]) => [name, unscoped(() => empty(device, shape))] as const,
  );
  return new ClassHead(config, new Map(parameters));
}
