/**
 * y[i] = x[index[i]], row by row: picks the supervised tokens after the last layer, or the last token of each example.
 * The same kernels serve the embedding table.
 *
 * Kernels, rows of `width`; an index outside x is a bug of the caller and not checked:
 *   gather_rows  (y [count, width], x [any, width] f32 | bf16, dtype of x, index i32 [count], count, width, scale)
 *                y[i] = scale · x[index[i]]
 *   scatter_rows (dx [any, width] (added to), dy [count, width], index i32 [count], count, width, scale)
 *                dx[index[i]] += scale · dy[i], in the order of i, as an index may occur more than once
 */
import { dtypeCode } from "../../device/device.ts";
import { record } from "../../tensor/tape.ts";
import { empty, lastAxis, type Tensor, zeros } from "../../tensor/tensor.ts";

/** @param x [rows, width] @param index i32 [count], each in 0..rows-1, repeats allowed @returns [count, width] */
export function gatherRows(x: Tensor, index: Tensor): Tensor {
  const width = lastAxis(x);
  const count = index.length;
  const y = empty(x.device, [count, width], x.dtype);
  x.device.launch("gather_rows", [y, x, dtypeCode[x.dtype], index, count, width, 1]);
  record([y], [x], [index], ([dy]) => {
    const dx = zeros(x.device, x.shape, x.dtype);
    x.device.launch("scatter_rows", [dx, dy!, index, count, width, 1]);
    return [dx];
  });
  return y;
}
