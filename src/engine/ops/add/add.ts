/**
 * y = a + b, element by element: residual connections, and sums of gradients (y may be a or b).
 *
 * Kernel: add (y, a, b, length)
 */
import { record } from "../../tensor/tape.ts";
import { empty, expectShape, type Tensor } from "../../tensor/tensor.ts";

export function add(a: Tensor, b: Tensor): Tensor {
  expectShape("add", b, a.shape);
  const y = empty(a.device, a.shape, a.dtype);
  a.device.launch("add", [y, a, b, y.length]);
  record([y], [a, b], [], ([dy]) => [dy, dy]);
  return y;
}
