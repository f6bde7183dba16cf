/** Parameters of a model that starts from nothing. */
import { Random } from "../../base/random.ts";
import { elementCount, type Shape } from "../tensor/tensor.ts";

export interface Initializer {
  /** Standard deviation of matrices: config.json's `initializer_range`. */
  readonly range: number;
  /** That of matrices whose names end so, where it is another. */
  readonly ranges?: Readonly<Record<string, number>>;
  /** What norms begin with: 0 where the weight is stored as its distance from 1; default 1. */
  readonly normWeight?: 0 | 1;
}

export interface RandomInitOptions extends Initializer {
  readonly seed: number;
}

/**
 * Initial values of one parameter, by transformers' rule: matrices (Linear, Embedding) from N(0, range²), biases 0, other
 * vectors (norms) 1. They depend on seed, name and shape only, so that parameters can be made in any order.
 */
export function randomInit(name: string, shape: Shape, options: RandomInitOptions): Float32Array {
  const length = elementCount(shape);
  if (shape.length > 1) {
    const range = deviationOf(name, options);
    const random = new Random(options.seed, `init ${name}`);
    return Float32Array.from({ length }, () => random.normal() * range);
  }
  return new Float32Array(length).fill(name.endsWith("bias") ? 0 : (options.normWeight ?? 1));
}

/** The standard deviation of a matrix. */
export function deviationOf(name: string, { range, ranges = {} }: Initializer): number {
  const ending = Object.keys(ranges).find((ending) => name.endsWith(ending));
  return ending === undefined ? range : ranges[ending]!;
}
