/** Norms over the whole row or per head. */
import { layernorm } from "../ops/layernorm/layernorm.ts";
import { reshape } from "../ops/reshape/reshape.ts";
import { rmsnorm } from "../ops/rmsnorm/rmsnorm.ts";
import { rowCount, type Tensor } from "../tensor/tensor.ts";

export interface RmsNorm {
  readonly kind: "rms";
  /** [width] */
  readonly weight: Tensor;
  readonly eps: number;
  /** 1 where the checkpoint stores the weight as its distance from 1 (Gemma). */
  readonly offset: 0 | 1;
}

export interface LayerNorm {
  readonly kind: "layer";
  /** [width] */
  readonly weight: Tensor;
  /** [width] */
  readonly bias: Tensor | undefined;
  readonly eps: number;
}

export type Norm = RmsNorm | LayerNorm;

export function applyNorm(x: Tensor, norm: Norm): Tensor {
  const { weight, eps } = norm;
  return norm.kind === "rms" ? rmsnorm(x, weight, eps, norm.offset) : layernorm(x, weight, norm.bias, eps);
}

/** Normalises every head of x [tokens, heads · headDim] on its own. */
export function applyHeadNorm(x: Tensor, norm: Norm, heads: number): Tensor {
  const tokens = rowCount(x);
  const headDim = norm.weight.length;
  return reshape(applyNorm(reshape(x, [tokens * heads, headDim]), norm), [tokens, heads * headDim]);
}
