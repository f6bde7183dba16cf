/**
 * y[s] = the mean of rows begins[s] .. begins[s + 1] - 1 of x: what a classifier reads of a text. By the kernels of
 * ops/rows, whose sums are f32 whatever the dtype.
 */
import { dtypeCode } from "../../device/device.ts";
import { record } from "../../tensor/tape.ts";
import { empty, lastAxis, rowCount, rows, type Tensor, zeros } from "../../tensor/tensor.ts";

/** @param x [rows, width] @param begins on the host: ascending, the last one the number of rows @returns [segments, width] */
export function segmentMean(x: Tensor, begins: Int32Array): Tensor {
  const { device, dtype, shape } = x;
  const width = lastAxis(x);
  const segments = Array.from(begins.subarray(1), (end, i) => ({ begin: begins[i]!, end, count: end - begins[i]! }));
  if (begins.at(-1) !== rowCount(x)) throw new Error(`segmentMean: ${begins.at(-1)} rows of ${rowCount(x)}`);
  const longest = segments.reduce((most, { count }) => Math.max(most, count), 1);
  /** All rows go to, or come from, the only one of the other side. */
  const first = zeros(device, [longest], "i32");
  const y = zeros(device, [segments.length, width], dtype);
  segments.forEach(({ begin, end, count }, i) => {
    device.launch("scatter_rows", [rows(y, i, i + 1), rows(x, begin, end), first, count, width, 1 / count]);
  });
  record([y], [x], [first], ([dy]) => {
    const dx = empty(device, shape, dtype);
    segments.forEach(({ begin, end, count }, i) => {
      const args = [rows(dy!, i, i + 1), dtypeCode[dtype], first, count, width, 1 / count];
      device.launch("gather_rows", [rows(dx, begin, end), ...args]);
    });
    return [dx];
  });
  return y;
}
