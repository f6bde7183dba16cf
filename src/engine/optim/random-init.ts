/** Parameters of a model that starts from nothing. */
import { Random } from "../../base/random.ts";
import { elementCount, type Shape } from "../tensor/tensor.ts";

export interface RandomInitOptions {
  readonly seed: number;
  /** Standard deviation of matrices: config.json's `initializer_range`. */
  readonly range: number;
}

/**
 * Initial values of one parameter, by transformers' rule: matrices (Linear, Embedding) from N(0, range²), biases 0, other
 * vectors (norms) 1. They depend on seed, name and shape only, so that parameters can be made in any order.
 */
export function randomInit(name: string, shape: Shape, { seed, range }: RandomInitOptions): Float32Array {
  const length = elementCount(shape);
  if (shape.length > 1) {
    const random = new Random(seed, `init ${name}`);
    return Float32Array.from({ length }, () => random.normal() * range);
  }
  return new Float32Array(length).fill(name.endsWith("bias") ? 0 : 1);
}
