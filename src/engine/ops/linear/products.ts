/** The linear kernels' arguments: products of matrices, which are tensors or parts of their columns or rows. */
import {
  type BufferView,
  type Device,
  type DType,
  dtypeBytes,
  dtypeCode,
  type KernelArgument,
  precisionCode,
} from "../../device/device.ts";
import { lastAxis, rowCount, type Tensor } from "../../tensor/tensor.ts";
import { working } from "../../tensor/working-copy.ts";

/** Rows of a tensor, or some columns of them. */
export interface Matrix {
  readonly view: BufferView;
  readonly rows: number;
  readonly columns: number;
  /** From one row to the next, in elements. */
  readonly ld: number;
}

export function matrix(x: Tensor): Matrix {
  const columns = lastAxis(x);
  return { view: x, rows: rowCount(x), columns, ld: columns };
}

/** A parameter as products read it: rounded, where the device computes so. */
export function weightMatrix(parameter: Tensor): Matrix {
  return matrix(working(parameter));
}

/** The rows and columns from `row` and `column` on. */
export function part(
  { view, ld }: Matrix,
  { row = 0, rows, column = 0, columns }: { row?: number; rows: number; column?: number; columns: number },
): Matrix {
  const skipped = row * ld + column;
  const { buffer, offset, dtype } = view;
  const length = rows === 0 ? 0 : (rows - 1) * ld + columns;
  return { view: { buffer, offset: offset + skipped * dtypeBytes[dtype], length, dtype }, rows, columns, ld };
}

/** Columns begin..end of every row. */
export function columnsOf(x: Tensor, begin: number, end: number): Matrix {
  return part(matrix(x), { rows: rowCount(x), column: begin, columns: end - begin });
}

export interface ForwardProduct {
  /** [N, K] */
  readonly weight: Matrix;
  readonly y: Matrix;
  /** [N] */
  readonly bias?: Tensor | undefined;
  /** What the product is added to, shaped like y; may be y itself. */
  readonly start?: Matrix | undefined;
  readonly alpha?: number;
}

/** y = start + alpha · x·Wᵀ + bias for each of the products. */
export function multiplyForward(device: Device, x: Matrix, products: readonly ForwardProduct[]): void {
  const members = products.flatMap(({ weight, y, bias, start, alpha = 1 }): KernelArgument[] => [
    weight.view,
    weight.ld,
    codeOf(weight),
    y.columns,
    // A bias has the dtype of what it is added to.
    bias === undefined ? null : y.view.dtype === "f32" ? bias : working(bias),
    start?.view ?? null,
    start?.ld ?? 0,
    y.view,
    y.ld,
    alpha,
  ]);
  const precision = precisionCode[device.precision];
  device.launch("linear_forward", [x.view, x.rows, x.columns, x.ld, precision, products.length, ...members]);
}

export interface InputProduct {
  readonly dy: Matrix;
  /** [N, K], or [K, N] where it is transposed. */
  readonly weight: Matrix;
  readonly transposed?: boolean;
  readonly alpha?: number;
}

/** dx = start + Σ alpha · dy·W over the products. `start` is shaped like dx and may be dx itself. */
export function multiplyToInput(
  device: Device,
  dx: Matrix,
  products: readonly InputProduct[],
  start?: Matrix | undefined,
): void {
  const members = products.flatMap(({ dy, weight, transposed, alpha = 1 }): KernelArgument[] => [
    dy.view,
    dy.ld,
    weight.view,
    weight.ld,
    codeOf(weight),
    dy.columns,
    transposed ? 1 : 0,
    alpha,
  ]);
  const head = [dx.view, dx.rows, dx.columns, dx.ld, precisionCode[device.precision]];
  device.launch("linear_backward_input", [...head, start?.view ?? null, start?.ld ?? 0, products.length, ...members]);
}

export interface WeightProduct {
  readonly dy: Matrix;
  /** [N, K], added to. */
  readonly dweight: BufferView | undefined;
  /** [N], added to. */
  readonly dbias?: BufferView | undefined;
  readonly alpha?: number;
}

/** dweight += alpha · dyᵀ·x and dbias += Σ rows of dy, for each of the products. */
export function multiplyToWeights(device: Device, x: Matrix, products: readonly WeightProduct[]): void {
  if (products.length === 0) return;
  const members = products.flatMap(({ dy, dweight, dbias, alpha = 1 }): KernelArgument[] => [
    dy.view,
    dy.ld,
    dy.columns,
    dweight ?? null,
    dbias ?? null,
    alpha,
  ]);
  const head = [x.view, x.rows, x.columns, x.ld, precisionCode[device.precision], products.length];
  device.launch("linear_backward_weight", [...head, ...members]);
}

/** to = alpha · from, for matrices of one shape and dtype. */
export function copyMatrix(device: Device, to: Matrix, from: Matrix, alpha = 1): void {
  device.launch("linear_copy", [to.view, to.ld, from.view, from.ld, to.rows, to.columns, alpha]);
}

function codeOf({ view }: Matrix): number {
  return dtypeCode[view.dtype satisfies DType];
}
