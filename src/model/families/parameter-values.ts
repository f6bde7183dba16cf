/** The values of a model's parameters: a checkpoint's, brought to the device part by part, or random ones. */
import { UserError } from "../../base/errors.ts";
import { hashLabel, mix32 } from "../../base/random.ts";
import { dtypeBytes } from "../../engine/device/device.ts";
import { castInto } from "../../engine/ops/cast/cast.ts";
import { fillNormal } from "../../engine/ops/random/random.ts";
import { deviationOf, type RandomInitOptions, randomInit } from "../../engine/optim/random-init.ts";
import { scope } from "../../engine/tensor/scope.ts";
import { empty, rows, type Tensor, view } from "../../engine/tensor/tensor.ts";
import type { TensorInfo } from "../files/safetensors.ts";
import type { Weights } from "../files/weights.ts";
import { decodeFloats, expectFloats } from "./decode-floats.ts";

export interface ParameterValues {
  /** What the values of a parameter have where they come from: to be filled, a tensor of it takes no conversion. */
  dtype(name: string): "f32" | "bf16";
  /** Overwrites an f32 or bf16 tensor of the parameter's shape. @throws UserError where there is no such parameter */
  fill(target: Tensor, name: string): void;
}

/** Host memory that a checkpoint of any size is read through. */
const PART_BYTES = 32 * 2 ** 20;

/**
 * Reads parameters from a checkpoint, in f32, f16 or bf16; what must be converted is converted on the device.
 * @param partBytes host memory to do it with, a multiple of 8
 */
export function checkpointValues(weights: Weights, partBytes: number = PART_BYTES): ParameterValues {
  const buffer = new Uint8Array(partBytes);
  return {
    dtype: (name) => (weights.info(name).dtype === "BF16" ? "bf16" : "f32"),
    fill(target, name) {
      const info = weights.info(name);
      expectSameShape(info, target, name, weights.folder);
      const dtype = expectFloats(info.dtype, name, weights.folder);
      weights.readParts(name, buffer, (bytes, begin) => {
        const isHalf = dtype === "F16";
        const held = dtype === "BF16" ? "bf16" : "f32";
        const values = isHalf ? bytesOf(decodeFloats(bytes, dtype)) : bytes;
        place(target, begin / (isHalf ? 2 : dtypeBytes[held]), values, held);
      });
    },
  };
}

/**
 * transformers' initial values. On a device that trains large models they are drawn there, as drawing billions on the host
 * would take minutes: not the numbers that the host would draw.
 */
export function randomValues(options: RandomInitOptions): ParameterValues {
  return {
    dtype: () => "f32",
    fill(target, name) {
      const { device, shape } = target;
      if (device.activations === "bf16" && shape.length > 1) {
        fillNormal(target, mix32(mix32(options.seed) ^ hashLabel(`init ${name}`)), deviationOf(name, options));
      } else {
        place(target, 0, bytesOf(randomInit(name, shape, options)), "f32");
      }
    },
  };
}

/** Writes the values of elements begin, begin + 1, … */
function place(target: Tensor, begin: number, bytes: Uint8Array, held: "f32" | "bf16"): void {
  const { device } = target;
  const count = bytes.length / dtypeBytes[held];
  const part = rows(view(target, [target.length]), begin, begin + count);
  if (held === target.dtype) {
    device.write(part, bytes);
    return;
  }
  scope(() => {
    const given = empty(device, [count], held);
    device.write(given, bytes);
    castInto(part, given);
  });
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function expectSameShape(info: TensorInfo, { shape }: Tensor, name: string, folder: string): void {
  if (info.shape.length === shape.length && info.shape.every((size, axis) => size === shape[axis])) return;
  throw new UserError({
    code: "model/wrong-shape",
    message: `tensor "${name}" has shape [${info.shape.join(", ")}], config.json asks for [${shape.join(", ")}]`,
    where: folder,
    fix: "config.json and the weights are of different models: download the checkpoint again",
  });
}
