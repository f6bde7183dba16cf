/** Root-mean-square norms, over the whole row or per head. */
import { reshape } from "../ops/reshape/reshape.ts";
import { rmsnorm } from "../ops/rmsnorm/rmsnorm.ts";
import { rowCount, type Tensor } from "../tensor/tensor.ts";

export interface RmsNorm {
  /** [width] */
  readonly weight: Tensor;
  readonly eps: number;
  /** 1 where the checkpoint stores the weight as its distance from 1 (Gemma). */
  readonly offset: 0 | 1;
}

export function applyNorm(x: Tensor, norm: RmsNorm): Tensor {
  return rmsnorm(x, norm.weight, norm.eps, norm.offset);
}

/** Normalises every head of x [tokens, heads · headDim] on its own. */
export function applyHeadNorm(x: Tensor, norm: RmsNorm, heads: number): Tensor {
  const tokens = rowCount(x);
  const headDim = norm.weight.length;
  return reshape(applyNorm(reshape(x, [tokens * heads, headDim]), norm), [tokens, heads * headDim]);
}
