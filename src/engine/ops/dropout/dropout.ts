/**
 * Inverted dropout (Srivastava et al. 2014): each element is zeroed with probability p, the others are divided by 1 - p.
 * What is dropped is a pure function of (seed, counter, position), so the backward pass makes the mask again instead of
 * keeping it, and every device drops the same elements.
 *
 * Kernel: dropout (y, x, length, threshold, scale, seed, counter); element i is kept, times scale, where
 *   mix32(mix32(counter + i) ^ mix32(seed)) >= threshold
 * with base/random's mix32 and sums modulo 2^32.
 */
import { type BackwardRule, record } from "../../tensor/tape.ts";
import { empty, type Tensor } from "../../tensor/tensor.ts";

/**
 * @param p probability of dropping, 0 <= p < 1
 * @param seed uint32, one for each stream of masks
 * @param counter uint32, where in the stream this mask begins
 */
export function dropout(x: Tensor, p: number, seed: number, counter: number): Tensor {
  if (p === 0) return x;
  const mask = (to: Tensor, from: Tensor): void =>
    x.device.launch("dropout", [to, from, x.length, Math.floor(p * 2 ** 32), 1 / (1 - p), seed, counter]);
  const y = empty(x.device, x.shape, x.dtype);
  const forward = (): void => mask(y, x);
  forward();
  const backward: BackwardRule = ([dy]) => {
    const dx = empty(x.device, x.shape, x.dtype);
    mask(dx, dy!);
    return [dx];
  };
  record([y], [x], [], backward, { from: [x], run: forward });
  return y;
}
