/**
 * Rotary position embedding (Su et al. 2021, arXiv 2104.09864), half-split as in Hugging Face's models: element i and
 * element i + headDim/2 of each head are turned by the angle of (position, i).
 *
 *   y[i] = x[i] cos - x[i + half] sin,   y[i + half] = x[i + half] cos + x[i] sin
 *
 * Kernel: rope (y [tokens, heads * headDim], x, cos [tokens, headDim / 2], sin, tokens, heads, headDim, sign); sign -1
 * turns backwards, which is also the gradient.
 */
import { type BackwardRule, record } from "../../tensor/tape.ts";
import { empty, expectShape, lastAxis, rowCount, type Tensor } from "../../tensor/tensor.ts";

/**
 * @param x [tokens, heads * headDim]
 * @param cos [tokens, headDim / 2], of each token's own position
 * @param sin the same
 * @returns [tokens, heads * headDim]
 */
export function rope(x: Tensor, cos: Tensor, sin: Tensor, heads: number): Tensor {
  const tokens = rowCount(x);
  const headDim = lastAxis(x) / heads;
  expectShape("rope cos", cos, [tokens, headDim / 2]);
  expectShape("rope sin", sin, [tokens, headDim / 2]);
  const turn = (to: Tensor, from: Tensor, sign: 1 | -1): void =>
    x.device.launch("rope", [to, from, cos, sin, tokens, heads, headDim, sign]);
  const y = empty(x.device, x.shape, x.dtype);
  const forward = (): void => turn(y, x, 1);
  forward();
  const backward: BackwardRule = ([dy]) => {
    const dx = empty(x.device, x.shape, x.dtype);
    turn(dx, dy!, -1);
    return [dx];
  };
  record([y], [x], [cos, sin], backward, { from: [x], run: forward });
  return y;
}
