/** A language model of a Hugging Face folder on a device: opened, saved, freed. */

import { UserError } from "../../base/errors.ts";
import type { Device } from "../../engine/device/device.ts";
import type { Linear } from "../../engine/nn/linear.ts";
import { cast } from "../../engine/ops/cast/cast.ts";
import { scope } from "../../engine/tensor/scope.ts";
import { type Shape, type Tensor, toBytes } from "../../engine/tensor/tensor.ts";
import { accompanied, type Bnb4bitState, readBnb4bit } from "../files/bnb-4bit.ts";
import { type ConfigJson, readConfigJson, writeConfigJson } from "../files/config.ts";
import type { JsonValue } from "../files/json-file.ts";
import { readQuantizationConfig } from "../files/quantization-config.ts";
import { openWeights, type Weights } from "../files/weights.ts";
import { saveWeights } from "../files/weights-write.ts";
import { bnb4bitValues } from "./bnb-4bit-values.ts";
import { type ClassHead, type ClassHeadConfig, emptyClassHead, isOfClassHead, scoreHead } from "./class-head.ts";
import { Decoder } from "./decoder.ts";
import type { DecoderConfig } from "./decoder-config.ts";
import { familyOf } from "./index.ts";
import { checkpointValues, type ParameterValues, randomValues } from "./parameter-values.ts";
import { Parameters, type WeightFormat } from "./parameters.ts";

export interface Model extends Disposable {
  readonly folder: string;
  readonly configJson: ConfigJson;
  readonly decoder: Decoder;
  /** What answers in place of the language head, which is not there then. */
  readonly classHead?: ClassHead | undefined;
  /** With those of the class head. */
  readonly parameters: Parameters;
}

export interface OpenModelOptions {
  readonly format: WeightFormat;
  /** Random parameters by this seed in place of the folder's weights. */
  readonly randomSeed?: number;
  /** Open the model as a classifier. */
  readonly classHead?: ClassHeadOptions | undefined;
}

export interface ClassHeadOptions {
  readonly config: ClassHeadConfig;
  /** Of the head's values where the checkpoint has no head; undefined leaves them to whoever loads an adapter. */
  readonly seed: number | undefined;
}

/**
 * Builds the model of a folder with config.json and, unless random parameters are asked for, safetensors weights.
 * @throws UserError when a file is missing, damaged, or does not fit the config.
 */
export function openModel(folder: string, device: Device, { format, randomSeed, classHead }: OpenModelOptions): Model {
  const configJson = readConfigJson(folder);
  readQuantizationConfig(configJson);
  const config = familyOf(configJson).readConfig(configJson);
  using weights = randomSeed === undefined ? openWeights(folder, config.encoder?.nameOf) : undefined;
  const states = weights ? readBnb4bit(weights) : new Map<string, Bnb4bitState>();
  const full = weights ? checkpointValues(weights) : randomValues({ seed: randomSeed!, ...config.initializer });
  const values = weights && states.size > 0 ? bnb4bitValues(weights, states, full) : full;
  const parameters = new Parameters(device, values, format);
  try {
    const decoder = new Decoder(config, device, parameters, classHead === undefined);
    const saved = weights && { weights, states, values };
    const head = classHead && addClassHead(classHead, saved, decoder, parameters);
    if (weights) refuseUnusedWeights(weights, states, parameters, config, head !== undefined);
    return owner({ folder, configJson, decoder, classHead: head, parameters });
  } catch (error) {
    parameters[Symbol.dispose]();
    throw error;
  }
}

/** A model that frees its parts with itself. */
export function owner(parts: Omit<Model, typeof Symbol.dispose>): Model {
  return {
    ...parts,
    [Symbol.dispose]() {
      parts.decoder[Symbol.dispose]();
      parts.parameters[Symbol.dispose]();
    },
  };
}

/** A checkpoint that a head may come from. */
export interface SavedHead {
  readonly weights: Weights;
  readonly states: ReadonlyMap<string, Bnb4bitState>;
  readonly values: ParameterValues;
}

/** Each parameter from the checkpoint, where it has it; random by transformers' rule otherwise. */
export function addClassHead(
  { config, seed }: ClassHeadOptions,
  saved: SavedHead | undefined,
  { config: { hiddenSize, initializer, encoder }, device }: Decoder,
  { tensors }: Parameters,
): ClassHead {
  const head = emptyClassHead(config, (encoder?.classHead ?? scoreHead)(config), hiddenSize, device);
  for (const [name, tensor] of head.parameters) tensors.set(name, tensor);
  const shapes = saved && headShapes(head, saved);
  const fits = (name: string): boolean => shapes?.get(name)?.join() === head.parameters.get(name)?.shape.join();
  // Without a seed an adapter brings its own head, whatever the checkpoint has.
  // An encoder's checkpoint may have a part of its head; a layer more in a decoder's is another head.
  const isPart = encoder === undefined && shapes !== undefined && shapes.size > 0 && shapes.size < head.parameters.size;
  if (shapes && seed !== undefined && (isPart || ![...shapes.keys()].every(fits)))
    throw otherHead(shapes, head, saved.weights.folder);
  const random = seed === undefined ? undefined : randomValues({ seed, ...initializer });
  for (const [name, tensor] of head.parameters) {
    if (saved && fits(name)) saved.values.fill(tensor, name);
    else {
      head.fresh.add(name);
      random?.fill(tensor, name);
    }
  }
  return head;
}

/** @throws UserError where a classifier's checkpoint, for which no adapter follows, has not all of its head */
export function requireWholeHead({ classHead, folder }: Pick<Model, "classHead" | "folder">): void {
  const [first] = classHead?.fresh ?? [];
  if (first === undefined) return;
  throw new UserError({
    code: "model/part-of-class-head",
    message: `the checkpoint has no "${first}", which its class head needs`,
    where: folder,
    fix: "download the checkpoint again, or train it",
  });
}

type Shapes = ReadonlyMap<string, Shape>;

/** What a checkpoint has of a class head. */
function headShapes({ parts }: ClassHead, { weights, states }: SavedHead): Shapes {
  const names = weights.names().filter((name) => isOfClassHead(parts, name) && accompanied(name, states) === undefined);
  return new Map(names.map((name) => [name, states.get(name)?.shape ?? weights.info(name).shape]));
}

/** Linear layers that can have an adapter: those inside the blocks, and dense layers of the class head. */
export function linearsOf({ decoder, classHead }: Pick<Model, "decoder" | "classHead">): ReadonlyMap<string, Linear> {
  const dense = classHead?.dense ?? [];
  return new Map([...decoder.linears, ...dense.map((layer) => [layer.name, layer] as const)]);
}

function otherHead(saved: Shapes, { config }: ClassHead, folder: string): UserError {
  const listed = [...saved].map(([name, shape]) => `${name} [${shape.join(", ")}]`).join(", ");
  return new UserError({
    code: "model/other-class-head",
    message: `the checkpoint has a class head of its own, which is not one of ${config.labels} labels: ${listed}`,
    where: folder,
    fix: "declare its labels in data.labels in its order, set head.dense as it has it, or take a base without a class head",
  });
}

const plainHead = scoreHead({ labels: 1, dense: [], activation: "gelu", dropout: 0 });

/**
 * A tensor that config.json has no place for means another architecture than it says, and another model's answers.
 * @throws UserError naming one
 */
export function refuseUnusedWeights(
  weights: Weights,
  states: ReadonlyMap<string, Bnb4bitState>,
  parameters: Parameters,
  { encoder, tieEmbeddings }: DecoderConfig,
  classifies: boolean,
): void {
  const used = new Set(parameters.names());
  // Old checkpoints store frequencies that are computed, and a tied head beside the embedding; a classifier needs none.
  const computed = (name: string): boolean =>
    name.endsWith("rotary_emb.inv_freq") ||
    ((tieEmbeddings || classifies) && name === "lm_head.weight") ||
    encoder?.isBeside(name) === true;
  const isUsed = (name: string): boolean => used.has(accompanied(name, states) ?? name);
  const unused = weights.names().filter((name) => !isUsed(name) && !computed(name));
  if (unused.length === 0) return;
  if (unused.every((name) => isOfClassHead(plainHead, name))) {
    throw new UserError({
      code: "model/class-head",
      message: "the checkpoint is a classifier: it has a class head and does not answer in words",
      where: weights.folder,
      fix: "take task_type SEQ_CLS, or another base",
    });
  }
  throw new UserError({
    code: "model/unused-weights",
    message: `config.json has no place for ${unused.length} tensors of the checkpoint, such as "${unused[0]}"`,
    where: weights.folder,
    fix: "config.json and the weights are of different models: download the checkpoint again",
  });
}

/**
 * Writes config.json and the weights, in bf16 or f32, for Hugging Face's libraries to read.
 * @param keys what config.json says beside what the model's says
 * @throws UserError when the disk is full or cannot be written.
 */
export function saveModel(
  model: Model,
  folder: string,
  dtype: "BF16" | "F32",
  keys: Readonly<Record<string, JsonValue>> = {},
): void {
  const { tensors, quantized, onHost } = model.parameters;
  if (quantized.size + onHost.size > 0) throw new Error("a model that was opened to stay frozen is not saved in full");
  writeConfigJson(
    folder,
    model.configJson.with({
      ...keys,
      dtype: dtype === "BF16" ? "bfloat16" : "float32",
      torch_dtype: undefined,
      quantization_config: undefined,
    }),
  );
  saveWeights(
    folder,
    [...tensors].map(([name, tensor]) => ({
      name,
      dtype,
      shape: tensor.shape,
      bytes: () => bytesIn(dtype === "BF16" ? "bf16" : "f32", tensor),
    })),
  );
}

function bytesIn(dtype: "bf16" | "f32", tensor: Tensor): Uint8Array {
  return tensor.dtype === dtype ? toBytes(tensor) : scope(() => toBytes(cast(tensor, dtype)));
}
