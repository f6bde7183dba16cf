/** The parameters of a model on its device, by checkpoint name, and how they are held there. */
import { UserError } from "../../base/errors.ts";
import type { Device } from "../../engine/device/device.ts";
import { HostRows } from "../../engine/nn/host-rows.ts";
import type { CompressedWeight, FrozenWeight } from "../../engine/ops/linear/group.ts";
import { matrix } from "../../engine/ops/linear/products.ts";
import {
  dequantizeNf4,
  dequantizeNf4Transposed,
  type Nf4Tensor,
  nf4Tensors,
  quantizeNf4,
  releaseNf4,
} from "../../engine/ops/nf4/nf4.ts";
import { transposeInto } from "../../engine/ops/transpose/transpose.ts";
import { scope, unscoped } from "../../engine/tensor/scope.ts";
import { empty, release, rows, type Shape, type Tensor, toBytes } from "../../engine/tensor/tensor.ts";
import { releaseParameter } from "../../engine/tensor/working-copy.ts";
import type { ParameterSource } from "./decoder-parts.ts";
import type { ParameterValues } from "./parameter-values.ts";

/**
 * How weights are held. `f32`: for training in full with every bit kept; a device that multiplies in bf16 has rounded
 * copies of them beside. `bf16`: frozen, or trained with stochastic rounding, where the device can (`makeTrainable`).
 * `nf4`: linear layers in 4 bits, frozen, the rest in what the device multiplies in; those of a checkpoint that is in 4
 * bits already as they are. In the other formats such a checkpoint is dequantised.
 */
export type WeightFormat = (
  | { readonly kind: "f32" | "bf16" }
  | { readonly kind: "nf4"; readonly blockSize: number; readonly doubleQuant: boolean }
) & {
  /** Keep frozen linear weights transposed as well: products on the way back are faster, at twice the memory. */
  readonly transposedToo?: boolean;
  /** Keep a frozen input embedding that is not the head too in host memory, in bf16. Default: on the device. */
  readonly embeddingOnHost?: boolean;
};

/** All parameters of a model on its device; the owner of their memory. */
export class Parameters implements ParameterSource, Disposable {
  readonly tensors: Map<string, Tensor> = new Map();
  /** Linear weights held in 4 bits. */
  readonly quantized: Map<string, Nf4Tensor> = new Map();
  /** What is in host memory. */
  readonly onHost: Map<string, HostRows> = new Map();
  readonly #transposed: Tensor[] = [];
  readonly #device: Device;
  readonly #values: ParameterValues;
  readonly #format: WeightFormat;

  constructor(device: Device, values: ParameterValues, format: WeightFormat) {
    this.#device = device;
    this.#values = values;
    this.#format = format;
  }

  get format(): WeightFormat {
    return this.#format;
  }

  /** 4-bit models hold their other parameters in bf16 where the device multiplies in it. */
  get #dtype(): "f32" | "bf16" {
    return this.#format.kind === "nf4" ? this.#device.precision : this.#format.kind;
  }

  tensor(name: string, shape: Shape): Tensor {
    // Vectors (norms, biases) are small and are read by kernels that want f32.
    const dtype = shape.length > 1 ? this.#dtype : "f32";
    const tensor = unscoped(() => empty(this.#device, shape, dtype));
    this.tensors.set(name, tensor);
    this.#values.fill(tensor, name);
    return tensor;
  }

  linearWeight(name: string, shape: Shape): Tensor | CompressedWeight {
    const format = this.#format;
    const values = this.#values;
    if (format.kind !== "nf4") return this.tensor(name, shape);
    if (values.quantized !== undefined) {
      const given = unscoped(() => values.quantized!(this.#device, name, shape));
      return given === undefined ? this.tensor(name, shape) : this.#compressed(name, given);
    }
    const quantized = scope(() => {
      const full = empty(this.#device, shape, values.dtype(name));
      values.fill(full, name);
      return unscoped(() => quantizeNf4(full, format));
    });
    return this.#compressed(name, quantized);
  }

  #compressed(name: string, quantized: Nf4Tensor): CompressedWeight {
    this.quantized.set(name, quantized);
    const { shape } = quantized;
    return {
      shape,
      materialise: (room) => dequantizeNf4(quantized, this.#dtype, room),
      materialiseTransposed: (room) => dequantizeNf4Transposed(quantized, this.#dtype, room),
    };
  }

  /** Moves a frozen weight to memory that has room below it. */
  withSpareRows(name: string, count: number): FrozenWeight {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new Error(`there is no parameter ${name}`);
    const { shape, dtype } = tensor;
    const held = unscoped(() => empty(this.#device, [shape[0]! + count, ...shape.slice(1)], dtype));
    const own = rows(held, 0, shape[0]!);
    this.#device.copy(tensor, own);
    this.tensors.set(name, own);
    release(tensor);
    return { shape, held };
  }

  /** A frozen weight with a copy of itself, transposed, which is freed with the parameters. */
  withTransposed({ shape, held }: FrozenWeight): FrozenWeight {
    const [height, width] = held.shape as [number, number];
    const transposed = unscoped(() => empty(this.#device, [width, height], held.dtype));
    this.#transposed.push(transposed);
    transposeInto(this.#device, matrix(transposed), matrix(held));
    return { shape, held, transposed };
  }

  embedding(name: string, shape: Shape): Tensor | HostRows {
    if (!this.#format.embeddingOnHost) return this.tensor(name, shape);
    const bytes = scope(() => {
      const full = empty(this.#device, shape, "bf16");
      this.#values.fill(full, name);
      return { held: toBytes(full) };
    }).held;
    const table = new HostRows(shape, new Uint16Array(bytes.buffer));
    this.onHost.set(name, table);
    return table;
  }

  /** Names of all parameters. */
  names(): string[] {
    return [...this.tensors.keys(), ...this.quantized.keys(), ...this.onHost.keys()];
  }

  /** Bytes of all parameters as they are held on the device. */
  get bytes(): number {
    let bytes = 0;
    for (const { buffer } of [
      ...this.tensors.values(),
      ...this.#transposed,
      ...[...this.quantized.values()].flatMap(nf4Tensors),
    ]) {
      bytes += buffer.bytes;
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    for (const tensor of this.tensors.values()) releaseParameter(tensor);
    for (const quantized of this.quantized.values()) releaseNf4(quantized);
    for (const tensor of this.#transposed.splice(0)) release(tensor);
    this.tensors.clear();
    this.quantized.clear();
    this.onHost.clear();
  }
}

/**
 * Marks tensors to be trained.
 * @throws UserError where they are in bf16 and the device cannot accumulate gradients in it
 */
export function makeTrainable(parameters: ReadonlyMap<string, Tensor>): void {
  for (const [name, tensor] of parameters) {
    if (tensor.dtype === "bf16" && tensor.device.activations !== "bf16") {
      throw new UserError({
        code: "train/bf16-parameters",
        message: `"${name}" is held in bf16, which device ${tensor.device.name} cannot train`,
        fix: "train on a CUDA device with precision bf16, or hold the weights in f32",
      });
    }
    tensor.trainable = true;
  }
}
