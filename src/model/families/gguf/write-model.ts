/** A model as a GGUF file for llama.cpp and what is built on it. */
import type { Shape } from "../../../engine/tensor/tensor.ts";
import type { GgmlType, GgufValue } from "../../files/gguf-types.ts";
import { ggmlTypes } from "../../files/gguf-types.ts";
import { type GgufTensor, writeGguf } from "../../files/gguf-write.ts";
import type { ChatTemplate } from "../../text/chat-template.ts";
import { ggufVocabulary } from "../../text/gguf-vocabulary.ts";
import { mergedFloats } from "../merge.ts";
import type { StreamedModel } from "../streamed-model.ts";
import { type GgufDescription, type GgufTensorPlan, text, u32 } from "./architecture.ts";
import { describeForLlamaCpp } from "./describe.ts";
import { checkValues, encodeGgml, fittingType } from "./encode.ts";
import { EncoderPool } from "./encoder-pool.ts";

export interface GgufModelOptions {
  /** Of the matrices; vectors are in f32. */
  readonly type: GgmlType;
  /** `general.name`. */
  readonly name: string;
  readonly template: ChatTemplate | undefined;
  /** Told how many tensors of how many are written. */
  readonly onProgress: (done: number, total: number) => void;
}

/** llama.cpp's number for what most of a file is in (`llama_ftype`). */
const fileTypes: Readonly<Record<GgmlType, number>> = { f32: 0, f16: 1, q8_0: 7, q4_k: 14, bf16: 32 };
const QUANTIZATION_VERSION = 2;
/** Values that are encoded at a time. */
const PART_VALUES = 2 ** 20;

/**
 * Writes the model with its adapter merged in.
 * @returns what llama.cpp does otherwise than the model, and which tensors are in another type than asked for
 * @throws UserError when llama.cpp cannot run the model, or the disk is full
 */
export function writeGgufModel(model: StreamedModel, path: string, options: GgufModelOptions): readonly string[] {
  const { configJson, shapes, folder } = model;
  const description = describeForLlamaCpp(configJson);
  const { vocabSize, eosTokens } = model.decoder.config;
  const vocabulary = ggufVocabulary(folder, {
    vocabSize,
    bosId: configJson.integers("bos_token_id")[0],
    eosId: eosTokens[0],
    chatTemplate: options.template?.source,
  });
  const metadata = new Map<string, GgufValue>([
    ["general.architecture", text(description.architecture)],
    ["general.type", text("model")],
    ["general.name", text(options.name)],
    ["general.file_type", u32(fileTypes[options.type])],
    ["general.quantization_version", u32(QUANTIZATION_VERSION)],
  ]);
  for (const [key, value] of description.metadata) metadata.set(`${description.architecture}.${key}`, value);
  for (const [key, value] of vocabulary.metadata) metadata.set(key, value);
  using pool = options.type === "q4_k" ? new EncoderPool() : undefined;
  const tensors = [...shapes.keys()].map((name) => planned(model, description, name, options.type, pool));
  const extra = description.extra.map(({ name, values }): GgufTensor => {
    return { name, type: "f32", shape: [values.length], parts: () => [encodeGgml("f32", values, name)] };
  });
  const all = [...tensors, ...extra];
  writeGguf(
    path,
    metadata,
    all.map((tensor, i) => counted(tensor, () => options.onProgress(i + 1, all.length))),
  );
  return [...description.notes, ...vocabulary.notes, ...otherTypes(tensors, options.type)];
}

function planned(
  model: StreamedModel,
  description: GgufDescription,
  parameter: string,
  wanted: GgmlType,
  pool: EncoderPool | undefined,
): GgufTensor {
  const plan = description.tensor(parameter);
  const { transform } = plan;
  const shape = model.shapes.get(parameter)!;
  const type = ggmlTypeOf(model, plan, shape, wanted);
  return {
    name: plan.name,
    type,
    shape,
    *parts() {
      const floats = mergedFloats(model, parameter);
      const values = transform?.(floats) ?? floats;
      if (type === "q4_k") {
        checkValues(type, values, parameter);
        yield* pool!.encode(values);
        return;
      }
      for (let begin = 0; begin < values.length; begin += PART_VALUES) {
        yield encodeGgml(type, values.subarray(begin, begin + PART_VALUES), parameter);
      }
    },
  };
}

/** What a tensor is stored as. The logits come straight out of the head: 4 bits are too few for it. */
export function ggmlTypeOf(
  { decoder }: StreamedModel,
  { name, inF32 }: GgufTensorPlan,
  shape: Shape,
  wanted: GgmlType,
): GgmlType {
  if (shape.length < 2 || inF32 === true) return "f32";
  const head = decoder.config.tieEmbeddings ? "token_embd.weight" : "output.weight";
  return fittingType(wanted === "q4_k" && name === head ? "q8_0" : wanted, shape.at(-1)!);
}

function counted(tensor: GgufTensor, onDone: () => void): GgufTensor {
  return {
    ...tensor,
    *parts() {
      yield* tensor.parts();
      onDone();
    },
  };
}

function otherTypes(tensors: readonly GgufTensor[], wanted: GgmlType): string[] {
  const others = new Map<GgmlType, number>();
  for (const { type, shape } of tensors) {
    if (shape.length > 1 && type !== wanted && type !== "f32") others.set(type, (others.get(type) ?? 0) + 1);
  }
  return [...others].map(
    ([type, count]) =>
      `${count} ${count === 1 ? "matrix is" : "matrices are"} in ${type}: the head, or rows that are no multiple of ${ggmlTypes[wanted].blockValues}`,
  );
}
