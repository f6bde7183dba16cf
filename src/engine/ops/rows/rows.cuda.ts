import { blocksFor, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";

const gather = cudaFunction("rows/rows.cu", "gather_rows", "ppp if");
const sort = cudaFunction("rows/rows.cu", "sort_index", "ppp i");
const scatter = cudaFunction("rows/rows.cu", "scatter_rows", "pppp iif");
/** Most threads along the columns; each takes eight. */
const THREADS = 256;
/** Entries that a block of `sort_index` places: four a warp. */
const PLACED = (THREADS / 32) * 4;

export const rowsCuda = {
  gather_rows(
    cuda: CudaLauncher,
    y: BufferView,
    x: BufferView,
    _dtype: number,
    index: BufferView,
    count: number,
    width: number,
    scale: number,
  ): void {
    cuda.run(gather, { types: { X: x, Y: y }, ...overRows(count, width) }, [y, x, index, width, scale]);
  },

  scatter_rows(
    cuda: CudaLauncher,
    dx: BufferView,
    dy: BufferView,
    index: BufferView,
    count: number,
    width: number,
    scale: number,
  ): void {
    const types = { X: dx, Y: dy };
    const position = cuda.scratch(count, "i32");
    const target = cuda.scratch(count, "i32");
    const places = [position, target, index, count];
    cuda.run(sort, { types, grid: [blocksFor(count, PLACED)], block: THREADS }, places);
    cuda.run(scatter, { types, ...overRows(count, width) }, [dx, dy, position, target, count, width, scale]);
  },
};

function overRows(count: number, width: number): { grid: readonly [number, number]; block: number } {
  const block = Math.min(THREADS, 32 * blocksFor(width, 8 * 32));
  return { grid: [count, blocksFor(width, 8 * block)], block };
}
