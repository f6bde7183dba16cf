/** Where a model's parameters come from, by checkpoint name: a checkpoint's files or random numbers. */
import { UserError } from "../../base/errors.ts";
import { decodeBf16, encodeBf16 } from "../../engine/device/bf16.ts";
import type { Device } from "../../engine/device/device.ts";
import type { CompressedWeight } from "../../engine/ops/linear/group.ts";
import { dequantizeNf4, type Nf4Tensor, nf4Tensors, quantizeNf4, releaseNf4 } from "../../engine/ops/nf4/nf4.ts";
import { scope, unscoped } from "../../engine/tensor/scope.ts";
import { fromHost, release, type Shape, type Tensor } from "../../engine/tensor/tensor.ts";
import type { Weights } from "../files/weights.ts";
import type { ParameterSource } from "./decoder.ts";

/** How frozen weights are held: as they come out best for the device, or with linear layers in 4 bits. */
export type WeightFormat =
  | { readonly kind: "f32" | "bf16" }
  | { readonly kind: "nf4"; readonly blockSize: number; readonly doubleQuant: boolean };

/** Values of a parameter, on the host, in f32. */
export type HostSource = (name: string, shape: Shape) => Float32Array;

/** All parameters of a model on its device; the owner of their memory. */
export class Parameters implements ParameterSource, Disposable {
  readonly tensors: Map<string, Tensor> = new Map();
  /** Linear weights held in 4 bits. */
  readonly quantized: Map<string, Nf4Tensor> = new Map();
  readonly #device: Device;
  readonly #values: HostSource;
  readonly #format: WeightFormat;

  constructor(device: Device, values: HostSource, format: WeightFormat) {
    this.#device = device;
    this.#values = values;
    this.#format = format;
  }

  /** 4-bit models hold their other parameters in bf16 where the device multiplies in it. */
  get #dtype(): "f32" | "bf16" {
    return this.#format.kind === "nf4" ? this.#device.precision : this.#format.kind;
  }

  tensor(name: string, shape: Shape): Tensor {
    const values = this.#values(name, shape);
    // Vectors (norms, biases) are small and are read by kernels that want f32.
    const narrow = this.#dtype === "bf16" && shape.length > 1;
    const tensor = unscoped(() => fromHost(this.#device, narrow ? encodeBf16(values) : values, shape));
    this.tensors.set(name, tensor);
    return tensor;
  }

  linearWeight(name: string, shape: Shape): Tensor | CompressedWeight {
    const format = this.#format;
    if (format.kind !== "nf4") return this.tensor(name, shape);
    const quantized = scope(() => {
      const full = fromHost(this.#device, this.#values(name, shape), shape);
      return unscoped(() => quantizeNf4(full, format));
    });
    this.quantized.set(name, quantized);
    return { shape, materialise: () => dequantizeNf4(quantized, this.#dtype) };
  }

  /** Bytes of all parameters as they are held. */
  get bytes(): number {
    let bytes = 0;
    for (const { buffer } of [...this.tensors.values(), ...[...this.quantized.values()].flatMap(nf4Tensors)]) {
      bytes += buffer.bytes;
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    for (const tensor of this.tensors.values()) {
      release(tensor);
      if (tensor.gradient) release(tensor.gradient);
    }
    for (const quantized of this.quantized.values()) releaseNf4(quantized);
    this.tensors.clear();
    this.quantized.clear();
  }
}

/** Reads parameters from a checkpoint; f32, f16 and bf16 are understood. */
export function checkpointValues(weights: Weights): HostSource {
  return (name, shape) => {
    const info = weights.info(name);
    if (info.shape.length !== shape.length || info.shape.some((size, axis) => size !== shape[axis])) {
      throw new UserError({
        code: "model/wrong-shape",
        message: `tensor "${name}" has shape [${info.shape.join(", ")}], config.json asks for [${shape.join(", ")}]`,
        where: weights.folder,
        fix: "config.json and the weights are of different models: download the checkpoint again",
      });
    }
    return decodeFloats(weights.read(name), info.dtype, name, weights.folder);
  };
}

/** Little-endian floats of a checkpoint as f32. @throws UserError for a dtype that is not a float. */
export function decodeFloats(bytes: Uint8Array<ArrayBuffer>, dtype: string, name: string, where: string): Float32Array {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (dtype) {
    case "F32":
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case "BF16":
      return decodeBf16(new Uint16Array(buffer, byteOffset, byteLength / 2));
    case "F16":
      return Float32Array.from(new Uint16Array(buffer, byteOffset, byteLength / 2), decodeHalf);
    default:
      throw new UserError({
        code: "model/unsupported-dtype",
        message: `tensor "${name}" is ${dtype}; weights must be F32, F16 or BF16`,
        where,
        fix: "convert the checkpoint to bf16",
      });
  }
}

/** IEEE 754 binary16. */
function decodeHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
