/** A model that stays on disk: one parameter at a time is read when it is asked for, so that any size can be exported. */
import type { Device } from "../../engine/device/device.ts";
import type { CompressedWeight } from "../../engine/ops/linear/group.ts";
import { dequantizeNf4, type Nf4Options, quantizeNf4 } from "../../engine/ops/nf4/nf4.ts";
import { scope } from "../../engine/tensor/scope.ts";
import { Storage } from "../../engine/tensor/storage.ts";
import { empty, type Shape, Tensor, toFloats } from "../../engine/tensor/tensor.ts";
import { readBnb4bit } from "../files/bnb-4bit.ts";
import { readConfigJson } from "../files/config.ts";
import { readQuantizationConfig } from "../files/quantization-config.ts";
import { openWeights } from "../files/weights.ts";
import { bnb4bitValues } from "./bnb-4bit-values.ts";
import { expectFloats, type FloatDtype } from "./decode-floats.ts";
import { Decoder } from "./decoder.ts";
import { familyOf } from "./index.ts";
import { addClassHead, type ClassHeadOptions, type Model, refuseUnusedWeights } from "./model.ts";
import { checkpointValues, type ParameterValues } from "./parameter-values.ts";
import { Parameters } from "./parameters.ts";

export interface StreamedModel extends Model {
  /** Of every parameter, in the order of the model. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** As the checkpoint holds it, or held it before it was quantised; a class head's is f32. */
  dtype(name: string): FloatDtype;
  /** Row-major. */
  floats(name: string): Float32Array;
  /** The checkpoint's own bytes in `dtype`; undefined where it holds others. */
  bytes(name: string): Uint8Array | undefined;
}

export interface OpenStreamedModelOptions {
  /** What linear layers were trained in, where they lie in full on disk: their values are those that are left of it. */
  readonly quantization?: Nf4Options | undefined;
  readonly classHead?: ClassHeadOptions | undefined;
}

const dtypeBeforeQuantization = { float32: "F32", float16: "F16", bfloat16: "BF16" } as const;

/**
 * @param folder with config.json and safetensors weights
 * @throws UserError when a file is missing, damaged, or does not fit the config
 */
export function openStreamedModel(
  folder: string,
  device: Device,
  { quantization, classHead }: OpenStreamedModelOptions = {},
): StreamedModel {
  const configJson = readConfigJson(folder);
  readQuantizationConfig(configJson);
  const config = familyOf(configJson).readConfig(configJson);
  const weights = openWeights(folder, config.encoder?.nameOf);
  try {
    const states = readBnb4bit(weights);
    const full = checkpointValues(weights);
    const isQuantized = states.size > 0;
    const values = isQuantized ? bnb4bitValues(weights, states, full) : full;
    const parameters = new StreamedParameters(device, values, isQuantized ? undefined : quantization);
    const decoder = new Decoder(config, device, parameters, classHead === undefined);
    const head = classHead && addClassHead(classHead, { weights, states, values }, decoder, parameters);
    refuseUnusedWeights(weights, states, parameters, config, head !== undefined);
    const dtype = (name: string): FloatDtype => {
      if (head?.parameters.has(name)) return "F32";
      const state = states.get(name);
      return state ? dtypeBeforeQuantization[state.dtype] : expectFloats(weights.info(name).dtype, name, folder);
    };
    return {
      folder,
      configJson,
      decoder,
      classHead: head,
      parameters,
      shapes: parameters.shapes,
      dtype,
      floats: (name) => parameters.floats(name),
      bytes: (name) => (states.has(name) || parameters.isChanged(name) ? undefined : weights.read(name)),
      [Symbol.dispose]() {
        decoder[Symbol.dispose]();
        parameters[Symbol.dispose]();
        weights.close();
      },
    };
  } catch (error) {
    weights.close();
    throw error;
  }
}

/** Tensors have their shapes, and no memory behind them; only a class head's are there. */
class StreamedParameters extends Parameters {
  readonly #place: Device;
  readonly #source: ParameterValues;
  readonly #quantization: Nf4Options | undefined;
  readonly #quantized = new Set<string>();
  readonly #shapes = new Map<string, Shape>();
  readonly #nowhere: Storage;

  constructor(device: Device, values: ParameterValues, quantization: Nf4Options | undefined) {
    super(device, values, { kind: "f32" });
    this.#place = device;
    this.#source = values;
    this.#quantization = quantization;
    this.#nowhere = new Storage(device, 4);
  }

  override tensor(name: string, shape: Shape): Tensor {
    this.#shapes.set(name, shape);
    return new Tensor(this.#nowhere, shape, "f32");
  }

  override linearWeight(name: string, shape: Shape): CompressedWeight {
    this.#shapes.set(name, shape);
    if (this.#quantization !== undefined) this.#quantized.add(name);
    return { shape, materialise: () => this.#read(name) };
  }

  override names(): string[] {
    return [...this.shapes.keys()];
  }

  get shapes(): ReadonlyMap<string, Shape> {
    return new Map([...this.#shapes, ...[...this.tensors].map(([name, { shape }]) => [name, shape] as const)]);
  }

  /** Whether its values are others than the checkpoint's. */
  isChanged(name: string): boolean {
    return this.#quantized.has(name) || this.tensors.has(name);
  }

  floats(name: string): Float32Array {
    const held = this.tensors.get(name);
    return held ? toFloats(held) : scope(() => ({ values: toFloats(this.#read(name)) })).values;
  }

  /** In the current scope. */
  #read(name: string): Tensor {
    const full = empty(this.#place, this.#shapes.get(name)!);
    this.#source.fill(full, name);
    return this.#quantized.has(name) ? dequantizeNf4(quantizeNf4(full, this.#quantization!), "f32") : full;
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    this.#nowhere.release();
  }
}
