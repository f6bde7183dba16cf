/**
 * A classifier's head: scores of labels from the hidden states of a text, by the names of transformers'
 * `...ForSequenceClassification`. What it is made of, its family says (`ClassHeadParts`). Its parameters are f32, and are
 * trained in full beside an adapter.
 */
import { hashLabel, mix32 } from "../../base/random.ts";
import type { Device } from "../../engine/device/device.ts";
import { type ForwardMode, Linear, project } from "../../engine/nn/linear.ts";
import { applyNorm } from "../../engine/nn/norm.ts";
import { type Activation, activate } from "../../engine/ops/activation/activation.ts";
import { dropout } from "../../engine/ops/dropout/dropout.ts";
import { linearF32 } from "../../engine/ops/linear/linear.ts";
import { unscoped } from "../../engine/tensor/scope.ts";
import { empty, type Shape, type Tensor } from "../../engine/tensor/tensor.ts";

export interface ClassHeadConfig {
  /** How many there are. */
  readonly labels: number;
  /** Widths of the dense layers, the lowest first; empty: none, or the family's own. */
  readonly dense: readonly number[];
  /** Of dense layers that are not the family's own. */
  readonly activation: Activation;
  readonly dropout: number;
}

/** The hidden states that a head reads: of a text's last token, of its first, or the mean of all. */
export type Pooling = "last" | "first" | "mean";

/** What lies between hidden states and scores: dense layers and a norm where there are any, and the scores' layer. */
export interface ClassHeadParts {
  readonly pooling: Pooling;
  /** Dropout comes before the dense layers too (RoBERTa). */
  readonly dropsInput?: boolean;
  /** The lowest first. */
  readonly dense: readonly DenseLayer[];
  /** LayerNorm after the last activation. */
  readonly norm?: { readonly path: string; readonly bias: boolean; readonly eps: number };
  readonly output: { readonly path: string; readonly bias: boolean };
  /** Names of the modules that hold all of it, as PEFT's `modules_to_save` has them. */
  readonly modules: readonly string[];
}

export interface DenseLayer {
  /** Module path, as of `norm` and `output`. */
  readonly path: string;
  readonly width: number;
  readonly bias: boolean;
  readonly activation: Activation;
}

/** A family's head with so many labels. */
export type ClassHeadMaker = (config: ClassHeadConfig) => ClassHeadParts;

const SCORE = "score";

/**
 * A decoder's head, on a text's last token: `score` [labels, hidden] without bias. With a dense layer between it is
 * `score.dense` and `score.out_proj`, both with bias, as in RoBERTa's classification head; with several they are
 * `score.dense.0`, `score.dense.1` and so on, as in a list of modules.
 */
export const scoreHead: ClassHeadMaker = ({ dense, activation }) => {
  const common = { pooling: "last", modules: [SCORE] } as const;
  if (dense.length === 0) return { ...common, dense: [], output: { path: SCORE, bias: false } };
  const path = `${SCORE}.dense`;
  return {
    ...common,
    dense: dense.map((width, i) => {
      return { path: dense.length === 1 ? path : `${path}.${i}`, width, bias: true, activation };
    }),
    output: { path: `${SCORE}.out_proj`, bias: true },
  };
};

export class ClassHead {
  readonly config: ClassHeadConfig;
  readonly parts: ClassHeadParts;
  /** By checkpoint name; they belong to the model's parameters. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** Its dense layers, on which an adapter may be put. */
  readonly dense: readonly Linear[];
  /** Names of parameters that the checkpoint did not have: random, or still to come from an adapter. */
  readonly fresh: Set<string> = new Set();

  /** @param parameters uninitialised, of `classHeadShapes` */
  constructor(config: ClassHeadConfig, parts: ClassHeadParts, parameters: ReadonlyMap<string, Tensor>) {
    this.config = config;
    this.parts = parts;
    this.parameters = parameters;
    this.dense = parts.dense.map(
      ({ path }) => new Linear(path, this.#parameter(path, "weight")!, this.#parameter(path, "bias")),
    );
  }

  /** @param pooled [rows, hidden], by `parts.pooling` @returns f32 [rows, labels] */
  logits(pooled: Tensor, mode: ForwardMode = {}): Tensor {
    const { dense, norm, output, dropsInput } = this.parts;
    const [module] = this.parts.modules;
    let x = dropsInput ? this.#dropped(pooled, `${module} input`, mode) : pooled;
    for (const [i, { activation }] of dense.entries()) {
      x = activate(project(x, [this.dense[i]!], mode)[0]!, activation);
      if (norm && i === dense.length - 1) {
        const [weight, bias] = [this.#parameter(norm.path, "weight")!, this.#parameter(norm.path, "bias")];
        x = applyNorm(x, { kind: "layer", weight, bias, eps: norm.eps });
      }
      x = this.#dropped(x, i === 0 ? module! : `${module} ${i}`, mode);
    }
    return linearF32(x, this.#parameter(output.path, "weight")!, this.#parameter(output.path, "bias"));
  }

  #dropped(x: Tensor, label: string, { dropoutSeed }: ForwardMode): Tensor {
    const { dropout: share } = this.config;
    if (share === 0 || dropoutSeed === undefined) return x;
    return dropout(x, share, mix32(dropoutSeed ^ hashLabel(label)), 0);
  }

  #parameter(path: string, name: "weight" | "bias"): Tensor | undefined {
    return this.parameters.get(`${path}.${name}`);
  }
}

/** Whether a checkpoint's parameter is one of a class head. */
export function isOfClassHead({ modules }: Pick<ClassHeadParts, "modules">, name: string): boolean {
  return modules.some((module) => `.${name}`.includes(`.${module}.`));
}

export function classHeadShapes(
  { dense, norm, output }: ClassHeadParts,
  labels: number,
  hidden: number,
): ReadonlyMap<string, Shape> {
  const shapes = new Map<string, Shape>();
  const add = (path: string, weight: Shape, bias: boolean): void => {
    shapes.set(`${path}.weight`, weight);
    if (bias) shapes.set(`${path}.bias`, [weight[0]!]);
  };
  let width = hidden;
  for (const layer of dense) {
    add(layer.path, [layer.width, width], layer.bias);
    width = layer.width;
  }
  if (norm) add(norm.path, [width], norm.bias);
  add(output.path, [labels, width], output.bias);
  return shapes;
}

/** Uninitialised, for the caller to own. */
export function emptyClassHead(
  config: ClassHeadConfig,
  parts: ClassHeadParts,
  hidden: number,
  device: Device,
): ClassHead {
  const parameters = [...classHeadShapes(parts, config.labels, hidden)].map(
    ([name, shape]) => [name, unscoped(() => empty(device, shape))] as const,
  );
  return new ClassHead(config, parts, new Map(parameters));
}
