import { blocksFor, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";

const columnSums = cudaFunction("linear/linear.cu", "column_sums", "pp iiii");
const addColumnSums = cudaFunction("linear/linear.cu", "add_column_sums", "pp ii");
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
      const [weight, , width, bias, y, ldy, accumulate, alpha] = rest.slice(i * 8) as [
        BufferView,
        number,
        number,
        BufferView | null,
        BufferView,
        number,
        0 | 1,
        number,
      ];
      cuda.multiply({
        rows: m,
        columns: width,
        inner: k,
        a: x,
        lda: ldx,
        b: weight,
        ldb: k,
        transposeB: true,
        d: y,
        ldd: ldy,
        alpha,
        beta: accumulate,
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
    accumulate: 0 | 1,
    n: number,
    ...rest: Arguments
  ): void {
    for (let i = 0; i < n; i++) {
      const [dy, lddy, weight, , width, alpha] = rest.slice(i * 6) as [
        BufferView,
        number,
        BufferView,
        number,
        number,
        number,
      ];
      cuda.multiply({
        rows: m,
        columns: k,
        inner: width,
        a: dy,
        lda: lddy,
        b: weight,
        ldb: k,
        d: dx,
        ldd: lddx,
        alpha,
        beta: i > 0 ? 1 : accumulate,
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
          beta: 1,
        });
      }
      if (dbias !== null) sumColumns(cuda, dbias, dy, m, width, lddy);
    }
  },
};

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
