/** The linear kernels' arguments: products of tensors, or of columns of them, with weights. */
import {
  type BufferView,
  type Device,
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

/** Columns begin..end of every row. */
export function columnsOf(x: Tensor, begin: number, end: number): Matrix {
  const { buffer, offset, length, dtype } = x;
  const view = { buffer, offset: offset + begin * dtypeBytes[dtype], length: length - begin, dtype };
  return { view, rows: rowCount(x), columns: end - begin, ld: lastAxis(x) };
}

export interface ForwardProduct {
  /** [N, K] */
  readonly weight: Tensor;
  readonly y: Matrix;
  /** [N] */
  readonly bias?: Tensor | undefined;
  readonly accumulate?: boolean;
  readonly alpha?: number;
}

/** y = (accumulate ? y : 0) + alpha · x·Wᵀ + bias for each of the products. */
export function multiplyForward(device: Device, x: Matrix, products: readonly ForwardProduct[]): void {
  const members = products.flatMap(({ weight, y, bias, accumulate = false, alpha = 1 }): KernelArgument[] => {
    const read = working(weight);
    return [
      read,
      dtypeCode[read.dtype],
      y.columns,
      bias === undefined ? null : working(bias),
      y.view,
      y.ld,
      accumulate ? 1 : 0,
      alpha,
    ];
  });
  const precision = precisionCode[device.precision];
  device.launch("linear_forward", [x.view, x.rows, x.columns, x.ld, precision, products.length, ...members]);
}

export interface InputProduct {
  readonly dy: Matrix;
  /** [N, K] */
  readonly weight: Tensor;
  readonly alpha?: number;
}

/** dx = (accumulate ? dx : 0) + Σ alpha · dy·W over the products. */
export function multiplyToInput(
  device: Device,
  dx: Matrix,
  products: readonly InputProduct[],
  accumulate = false,
): void {
  const members = products.flatMap(({ dy, weight, alpha = 1 }): KernelArgument[] => {
    const read = working(weight);
    return [dy.view, dy.ld, read, dtypeCode[read.dtype], dy.columns, alpha];
  });
  const head = [dx.view, dx.rows, dx.columns, dx.ld, precisionCode[device.precision], accumulate ? 1 : 0];
  device.launch("linear_backward_input", [...head, products.length, ...members]);
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
