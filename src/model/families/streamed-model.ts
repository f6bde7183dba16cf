/** A model that stays on disk: one parameter at a time is read when it is asked for, so that any size can be exported. */
import type { Device } from "../../engine/device/device.ts";
import type { CompressedWeight } from "../../engine/ops/linear/group.ts";
import { dequantizeNf4, type Nf4Options, quantizeNf4 } from "../../engine/ops/nf4/nf4.ts";
import { scope } from "../../engine/tensor/scope.ts";
import { Storage } from "../../engine/tensor/storage.ts";
import { empty, type Shape, Tensor, toFloats } from "../../engine/tensor/tensor.ts";
import { readConfigJson } from "../files/config.ts";
import { openWeights, type Weights } from "../files/weights.ts";
import { expectFloats, type FloatDtype } from "./decode-floats.ts";
import { Decoder } from "./decoder.ts";
import { familyOf } from "./index.ts";
import type { Model } from "./model.ts";
import { checkpointValues, type ParameterValues } from "./parameter-values.ts";
import { Parameters } from "./parameters.ts";

export interface StreamedModel extends Model {
  readonly weights: Weights;
  /** Of every parameter, in the order of the model. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** As the checkpoint holds it. */
  dtype(name: string): FloatDtype;
  /** Row-major. */
  floats(name: string): Float32Array;
}

/**
 * @param folder with config.json and safetensors weights
 * @param quantization what the linear layers were trained in: their values are those that remain of it
 * @throws UserError when a file is missing, damaged, or does not fit the config
 */
export function openStreamedModel(folder: string, device: Device, quantization?: Nf4Options): StreamedModel {
  const configJson = readConfigJson(folder);
  const config = familyOf(configJson).readConfig(configJson);
  const weights = openWeights(folder);
  const parameters = new StreamedParameters(device, checkpointValues(weights), quantization);
  try {
    const decoder = new Decoder(config, device, parameters);
    return {
      folder,
      configJson,
      decoder,
      parameters,
      weights,
      shapes: parameters.shapes,
      dtype: (name) => expectFloats(weights.info(name).dtype, name, folder),
      floats: (name) => parameters.floats(name),
      [Symbol.dispose]() {
        decoder[Symbol.dispose]();
        parameters[Symbol.dispose]();
        weights.close();
      },
    };
  } catch (error) {
    parameters[Symbol.dispose]();
    weights.close();
    throw error;
  }
}

/** Tensors have their shapes, and no memory behind them. */
class StreamedParameters extends Parameters {
  readonly shapes: Map<string, Shape> = new Map();
  readonly #place: Device;
  readonly #source: ParameterValues;
  readonly #quantization: Nf4Options | undefined;
  readonly #quantized = new Set<string>();
  readonly #nowhere: Storage;

  constructor(device: Device, values: ParameterValues, quantization: Nf4Options | undefined) {
    super(device, values, { kind: "f32" });
    this.#place = device;
    this.#source = values;
    this.#quantization = quantization;
    this.#nowhere = new Storage(device, 4);
  }

  override tensor(name: string, shape: Shape): Tensor {
    this.shapes.set(name, shape);
    return new Tensor(this.#nowhere, shape, "f32");
  }

  override linearWeight(name: string, shape: Shape): CompressedWeight {
    this.shapes.set(name, shape);
    if (this.#quantization !== undefined) this.#quantized.add(name);
    return { shape, materialise: () => this.#read(name) };
  }

  override names(): string[] {
    return [...this.shapes.keys()];
  }

  floats(name: string): Float32Array {
    return scope(() => ({ values: toFloats(this.#read(name)) })).values;
  }

  /** In the current scope. */
  #read(name: string): Tensor {
    const full = empty(this.#place, this.shapes.get(name)!);
    this.#source.fill(full, name);
    return this.#quantized.has(name) ? dequantizeNf4(quantizeNf4(full, this.#quantization!), "f32") : full;
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    this.#nowhere.release();
  }
}
