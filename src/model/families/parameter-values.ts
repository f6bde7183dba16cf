/** The values of a model's parameters: a checkpoint's, brought to the device part by part, or random ones. */
import { UserError } from "../../base/errors.ts";
import { hashLabel, mix32 } from "../../base/random.ts";
import { type Device, dtypeBytes } from "../../engine/device/device.ts";
import { castInto } from "../../engine/ops/cast/cast.ts";
import type { Nf4Tensor } from "../../engine/ops/nf4/nf4.ts";
import { fillNormal } from "../../engine/ops/random/random.ts";
import { deviationOf, type RandomInitOptions, randomInit } from "../../engine/optim/random-init.ts";
import { scope } from "../../engine/tensor/scope.ts";
import { empty, fromHost, rows, type Shape, type Tensor, view } from "../../engine/tensor/tensor.ts";
import type { Weights } from "../files/weights.ts";
import { decodeFloats, expectFloats } from "./decode-floats.ts";

export interface ParameterValues {
  /** What the values of a parameter have where they come from: to be filled, a tensor of it takes no conversion. */
  dtype(name: string): "f32" | "bf16";
  /** Overwrites an f32 or bf16 tensor of the parameter's shape. @throws UserError where there is no such parameter */
  fill(target: Tensor, name: string): void;
  /**
   * There where linear layers come in 4 bits: one of them for the caller to own, undefined for one that comes in full and
   * is to stay so.
   */
  quantized?(device: Device, name: string, shape: Shape): Nf4Tensor | undefined;
}

/** Memory, on the host or the device, that parameters of any size are converted by way of. */
const PART_BYTES = 32 * 2 ** 20;

/**
 * Reads parameters from a checkpoint, in f32, f16 or bf16. Bytes go from the file to where the device takes them from;
 * f32 and bf16 are converted on the device, f16 on the host.
 * @param partBytes a multiple of 4
 */
export function checkpointValues(weights: Weights, partBytes: number = PART_BYTES): ParameterValues {
  return {
    dtype: (name) => (weights.info(name).dtype === "BF16" ? "bf16" : "f32"),
    fill(target, name) {
      const info = weights.info(name);
      expectSameShape(info.shape, target.shape, name, weights.folder);
      const dtype = expectFloats(info.dtype, name, weights.folder);
      if (dtype === "F16") {
        const buffer = new Uint8Array(Math.min(partBytes, 2 * target.length));
        inParts(target, partBytes / 2, (part, from) => {
          const bytes = buffer.subarray(0, 2 * part.length);
          weights.readInto(name, 2 * from, bytes);
          writeFloats(part, decodeFloats(bytes, dtype));
        });
        return;
      }
      const held = dtype === "BF16" ? "bf16" : "f32";
      const size = dtypeBytes[held];
      const read = (part: Tensor, from: number): void =>
        part.device.writeFrom(part, (bytes, begin) => weights.readInto(name, size * from + begin, bytes));
      if (held === target.dtype) return read(target, 0);
      inParts(target, partBytes / size, (part, from) => {
        scope(() => {
          const given = empty(part.device, part.shape, held);
          read(given, from);
          castInto(part, given);
        });
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
        writeFloats(target, randomInit(name, shape, options));
      }
    },
  };
}

/** Visits `count` elements of a tensor at a time, as vectors, with where they begin. */
function inParts(target: Tensor, count: number, visit: (part: Tensor, begin: number) => void): void {
  const all = view(target, [target.length]);
  for (let begin = 0; begin < all.length; begin += count) {
    visit(rows(all, begin, Math.min(all.length, begin + count)), begin);
  }
}

/** Overwrites an f32 or bf16 tensor with as many values. */
export function writeFloats(target: Tensor, values: Float32Array): void {
  scope(() => {
    const given = fromHost(target.device, values, target.shape);
    castInto(target, given);
  });
}

/** @throws UserError where a checkpoint's tensor has not the shape that config.json gives it */
export function expectSameShape(given: Shape, shape: Shape, name: string, folder: string): void {
  if (given.length === shape.length && given.every((size, axis) => size === shape[axis])) return;
  throw new UserError({
    code: "model/wrong-shape",
    message: `tensor "${name}" has shape [${given.join(", ")}], config.json asks for [${shape.join(", ")}]`,
    where: folder,
    fix: "config.json and the weights are of different models: download the checkpoint again",
  });
}
