/** A model without its weights: parameters of the shapes that config.json gives, on a device that computes nothing. */
import type { Device } from "../../../engine/device/device.ts";
import { HostRows } from "../../../engine/nn/host-rows.ts";
import { MAP_BLOCK } from "../../../engine/ops/dynamic-map.ts";
import type { CompressedWeight } from "../../../engine/ops/linear/group.ts";
import { dequantizeNf4, dequantizeNf4Transposed } from "../../../engine/ops/nf4/nf4.ts";
import { unscoped } from "../../../engine/tensor/scope.ts";
import { elementCount, empty, type Shape, type Tensor } from "../../../engine/tensor/tensor.ts";
import { type ClassHeadConfig, emptyClassHead, scoreHead } from "../../../model/families/class-head.ts";
import { Decoder } from "../../../model/families/decoder.ts";
import { familyOf } from "../../../model/families/index.ts";
import type { Model } from "../../../model/families/model.ts";
import type { ParameterValues } from "../../../model/families/parameter-values.ts";
import { Parameters, type WeightFormat } from "../../../model/families/parameters.ts";
import { readConfigJson } from "../../../model/files/config.ts";
import {
  isSkipped,
  type QuantizationConfig,
  readQuantizationConfig,
} from "../../../model/files/quantization-config.ts";

/** @param folder with config.json; no weights are read */
export function openRehearsedModel(
  folder: string,
  device: Device,
  format: WeightFormat,
  classHead?: ClassHeadConfig,
): Model {
  const configJson = readConfigJson(folder);
  const config = familyOf(configJson).readConfig(configJson);
  const parameters = new RehearsedParameters(device, format, readQuantizationConfig(configJson));
  const decoder = new Decoder(config, device, parameters, classHead === undefined);
  const parts = classHead && (config.encoder?.classHead ?? scoreHead)(classHead);
  const head = parts && emptyClassHead(classHead, parts, config.hiddenSize, device);
  for (const [name, tensor] of head?.parameters ?? []) parameters.tensors.set(name, tensor);
  return {
    folder,
    configJson,
    decoder,
    classHead: head,
    parameters,
    [Symbol.dispose]() {
      decoder[Symbol.dispose]();
      parameters[Symbol.dispose]();
    },
  };
}

class RehearsedParameters extends Parameters {
  readonly #place: Device;
  readonly #held: WeightFormat;
  /** How the checkpoint has its weights, where that is in 4 bits. */
  readonly #stored: QuantizationConfig | undefined;

  constructor(device: Device, format: WeightFormat, stored: QuantizationConfig | undefined) {
    super(device, noValues, format);
    this.#place = device;
    this.#held = format;
    this.#stored = stored;
  }

  override tensor(name: string, shape: Shape): Tensor {
    const dtype = this.#held.kind === "nf4" ? this.#place.precision : this.#held.kind;
    const tensor = unscoped(() => empty(this.#place, shape, shape.length > 1 ? dtype : "f32"));
    this.tensors.set(name, tensor);
    return tensor;
  }

  override linearWeight(name: string, shape: Shape): Tensor | CompressedWeight {
    const format = this.#held;
    const stored = this.#stored;
    const inFull = stored !== undefined && isSkipped(stored, name.replace(/\.weight$/, ""));
    if (format.kind !== "nf4" || inFull) return this.tensor(name, shape);
    const device = this.#place;
    const { blockSize, doubleQuant } = stored ? { ...stored, blockSize: DEFAULT_BLOCK_SIZE } : format;
    const blocks = Math.ceil(elementCount(shape) / blockSize);
    const quantized = unscoped(() => ({
      packed: empty(device, [Math.ceil(elementCount(shape) / 2), 1], "u8"),
      absmax: doubleQuant
        ? {
            codes: empty(device, [blocks], "u8"),
            nestedAbsmax: empty(device, [Math.ceil(blocks / MAP_BLOCK)]),
            map: empty(device, [256]),
            offset: 0,
          }
        : empty(device, [blocks]),
    }));
    const held = { shape, blockSize, ...quantized, bytes: 0 };
    this.quantized.set(name, held);
    return {
      shape,
      materialise: (room) => dequantizeNf4(held, device.precision, room),
      materialiseTransposed: (room) => dequantizeNf4Transposed(held, device.precision, room),
    };
  }

  override embedding(name: string, shape: Shape): Tensor | HostRows {
    return this.#held.embeddingOnHost ? new HostRows(shape, new Uint16Array(0)) : this.tensor(name, shape);
  }
}

/** What transformers quantises with; checkpoints of others are few, and config.json does not tell. */
const DEFAULT_BLOCK_SIZE = 64;

/** Nothing is filled: there is no memory behind the tensors. */
const noValues: ParameterValues = { dtype: () => "f32", fill: () => {} };
