/** Columns of a matrix as matrices of their own: what a fused projection gives, apart. Copies, by ops/linear's kernel. */
import { record } from "../../tensor/tape.ts";
import { empty, lastAxis, rowCount, type Tensor, zeros } from "../../tensor/tensor.ts";
import { columnsOf, copyMatrix, type Matrix, matrix } from "../linear/products.ts";

/** @param x [..., Σ widths] @returns one [rows of x, width] per width, in order */
export function splitColumns(x: Tensor, widths: readonly number[]): Tensor[] {
  const { device, dtype, shape } = x;
  const begins = widths.map((_, i) => widths.slice(0, i).reduce((sum, width) => sum + width, 0));
  const end = begins.at(-1)! + widths.at(-1)!;
  if (end !== lastAxis(x)) throw new Error(`split: [${shape}] has not ${widths.join(" + ")} columns`);
  const columns = (whole: Tensor, i: number): Matrix => columnsOf(whole, begins[i]!, begins[i]! + widths[i]!);
  const parts = widths.map((width) => empty(device, [rowCount(x), width], dtype));
  parts.forEach((part, i) => {
    copyMatrix(device, matrix(part), columns(x, i));
  });
  record(parts, [x], [], (gradients) => {
    const complete = gradients.every((gradient) => gradient !== undefined);
    const dx = complete ? empty(device, shape, dtype) : zeros(device, shape, dtype);
    gradients.forEach((gradient, i) => {
      if (gradient) copyMatrix(device, columns(dx, i), matrix(gradient));
    });
    return [dx];
  });
  return parts;
}
