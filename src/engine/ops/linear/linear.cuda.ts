import { blocksFor, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import { type BufferView, dtypeCode } from "../../device/device.ts";
import { castCuda } from "../cast/cast.cuda.ts";

const columnSums = cudaFunction("linear/linear.cu", "column_sums", "pp iiii");
const addColumnSums = cudaFunction("linear/linear.cu", "add_column_sums", "pp ii");
const copyMatrix = cudaFunction("linear/linear.cu", "copy_matrix", "pipi iif");
const THREADS = 128;
const ROWS_TOGETHER = 64;

/** Arguments repeat per member of a group, so they come as one list. */
type Arguments = readonly (BufferView | number | null)[];

/** `precision` says nothing here: on CUDA the dtypes of the operands do. */
export const linearCuda = {
  linear_forward(
    cuda: CudaLauncher,
    x: BufferView,
    m: number,
    k: number,
    ldx: number,
    _precision: number,
    n: number,
    ...rest: Arguments
  ): void {
    for (let i = 0; i < n; i++) {
      const [weight, ldw, , width, bias, start, ldstart, y, ldy, alpha] = rest.slice(i * 10) as [
        BufferView,
        number,
        number,
        number,
        BufferView | null,
        BufferView | null,
        number,
        BufferView,
        number,
        number,
      ];
      cuda.multiply({
        rows: m,
        columns: width,
        inner: k,
        a: x,
        lda: ldx,
        b: likeOther(cuda, weight, x),
        ldb: ldw,
        transposeB: true,
        d: y,
        ldd: ldy,
        alpha,
        ...(start && { start, ldstart }),
        bias: bias ?? undefined,
      });
    }
  },

  linear_backward_input(
    cuda: CudaLauncher,
    dx: BufferView,
    m: number,
    k: number,
    lddx: number,
    _precision: number,
    start: BufferView | null,
    ldstart: number,
    n: number,
    ...rest: Arguments
  ): void {
    for (let i = 0; i < n; i++) {
      const [dy, lddy, weight, ldw, , width, transposed, alpha] = rest.slice(i * 8) as [
        BufferView,
        number,
        BufferView,
        number,
        number,
        number,
        0 | 1,
        number,
      ];
      const from = i > 0 ? { start: dx, ldstart: lddx } : start && { start, ldstart };
      cuda.multiply({
        rows: m,
        columns: k,
        inner: width,
        a: dy,
        lda: lddy,
        b: likeOther(cuda, weight, dy),
        ldb: ldw,
        transposeB: transposed === 1,
        d: dx,
        ldd: lddx,
        alpha,
        ...from,
      });
    }
  },

  linear_backward_weight(
    cuda: CudaLauncher,
    x: BufferView,
    m: number,
    k: number,
    ldx: number,
    _precision: number,
    n: number,
    ...rest: Arguments
  ): void {
    if (m === 0) return;
    for (let i = 0; i < n; i++) {
      const [dy, lddy, width, dweight, dbias, alpha] = rest.slice(i * 6) as [
        BufferView,
        number,
        number,
        BufferView | null,
        BufferView | null,
        number,
      ];
      if (dweight !== null) {
        cuda.multiply({
          rows: width,
          columns: k,
          inner: m,
          a: dy,
          lda: lddy,
          transposeA: true,
          b: x,
          ldb: ldx,
          d: dweight,
          ldd: k,
          alpha,
          start: dweight,
        });
      }
      if (dbias !== null) sumColumns(cuda, dbias, dy, m, width, lddy);
    }
  },

  linear_copy(
    cuda: CudaLauncher,
    to: BufferView,
    ldto: number,
    from: BufferView,
    ldfrom: number,
    rows: number,
    columns: number,
    alpha: number,
  ): void {
    const launch = { types: { X: to, G: to }, grid: [blocksFor(rows * columns, 4 * THREADS)], block: THREADS } as const;
    cuda.run(copyMatrix, launch, [to, ldto, from, ldfrom, rows, columns, alpha]);
  },
};

/** A weight in the dtype of what it is multiplied with: where activations are f32, one in bf16 is made f32 on the way. */
function likeOther(cuda: CudaLauncher, weight: BufferView, { dtype }: BufferView): BufferView {
  if (weight.dtype === dtype) return weight;
  const copy = cuda.scratch(weight.length, dtype);
  castCuda.cast(cuda, copy, dtypeCode[dtype], weight, dtypeCode[weight.dtype], weight.length);
  return copy;
}

function sumColumns(
  cuda: CudaLauncher,
  sums: BufferView,
  dy: BufferView,
  rows: number,
  columns: number,
  ld: number,
): void {
  const groups = blocksFor(rows, ROWS_TOGETHER);
  const partial = cuda.scratch(groups * columns, "f32");
  const types = { X: dy, G: sums };
  const blocks = blocksFor(columns, THREADS);
  const arguments_ = [partial, dy, rows, columns, ld, ROWS_TOGETHER];
  cuda.run(columnSums, { types, grid: [blocks, groups], block: THREADS }, arguments_);
  cuda.run(addColumnSums, { types, grid: [blocks], block: THREADS }, [sums, partial, groups, columns]);
}
