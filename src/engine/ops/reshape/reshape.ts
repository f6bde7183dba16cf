/** The same elements under another shape, sharing memory; no kernel. */
import { record } from "../../tensor/tape.ts";
import { type Shape, type Tensor, view } from "../../tensor/tensor.ts";

export function reshape(x: Tensor, shape: Shape): Tensor {
  const y = view(x, shape);
  record([y], [x], [], ([dy]) => [view(dy!, x.shape)]);
  return y;
}
