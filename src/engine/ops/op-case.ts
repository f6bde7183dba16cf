/**
 * What the conformance suite runs: an op on concrete inputs. Every op folder lists its cases, with shapes that have odd
 * tails; the suite runs each on every device against the reference, and the reference against central differences.
 */

import { Random } from "../../base/random.ts";
import type { HostArray, Shape, Tensor } from "../tensor/tensor.ts";

export interface HostTensor {
  readonly values: HostArray;
  readonly shape: Shape;
}

export interface OpCase {
  /** The op and what is special here: `rmsnorm 7x33`. */
  readonly name: string;
  readonly inputs: Readonly<Record<string, HostTensor>>;
  /** f32 inputs whose returned gradient is checked. */
  readonly activations: readonly string[];
  /** f32 inputs that the device holds in its dtype of activations as well, whose gradient is not asked for. */
  readonly likeActivations?: readonly string[];
  /** f32 inputs that are trainable parameters: their accumulated gradient is checked. */
  readonly parameters: readonly string[];
  readonly run: (inputs: Readonly<Record<string, Tensor>>) => Tensor | readonly Tensor[];
  /** What the outputs are weighed with for the backward pass: random values, or ones where the op demands it. */
  readonly cotangent?: "ones";
  /** Worst error allowed, relative to the largest reference value of the tensor; default 1e-5. */
  readonly tolerance?: number;
  /** The same on a device whose precision is bf16; default 2e-2. */
  readonly toleranceBf16?: number;
}

/** Standard normal values, the same for the same seed. */
export function normal(shape: Shape, seed: number, scale = 1): HostTensor {
  const random = new Random(seed, "op-case");
  const length = shape.reduce((product, size) => product * size, 1);
  return { shape, values: Float32Array.from({ length }, () => random.normal() * scale) };
}

export function integers(values: readonly number[], shape: Shape = [values.length]): HostTensor {
  return { shape, values: Int32Array.from(values) };
}
