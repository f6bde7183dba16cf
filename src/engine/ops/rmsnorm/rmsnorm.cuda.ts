import { blocksFor, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";
import { shareRows } from "../cuda-grid.ts";

const forward = cudaFunction("rmsnorm/rmsnorm.cu", "rmsnorm_forward", "pppp liff");
const backward = cudaFunction("rmsnorm/rmsnorm.cu", "rmsnorm_backward", "ppppp lif");
const backwardWithWeight = cudaFunction("rmsnorm/rmsnorm.cu", "rmsnorm_backward_dweight", "pppppp lif");
const sumWeight = cudaFunction("rmsnorm/rmsnorm.cu", "rmsnorm_sum_dweight", "pp ii");

export const rmsnormCuda = {
  rmsnorm_forward(
    cuda: CudaLauncher,
    y: BufferView,
    rstd: BufferView,
    x: BufferView,
    weight: BufferView,
    rows: number,
    width: number,
    eps: number,
    offset: number,
  ): void {
    const { defines, block, rowsPerBlock } = shareRows(width);
    const launch = { types: { X: x, W: weight }, defines, grid: [blocksFor(rows, rowsPerBlock)], block } as const;
    cuda.run(forward, launch, [y, rstd, x, weight, rows, width, eps, offset]);
  },

  rmsnorm_backward(
    cuda: CudaLauncher,
    dx: BufferView | null,
    dweight: BufferView | null,
    dy: BufferView,
    x: BufferView,
    weight: BufferView,
    rstd: BufferView,
    rows: number,
    width: number,
    offset: number,
  ): void {
    const { defines, block, rowsPerBlock } = shareRows(width);
    const blocks = blocksFor(rows, rowsPerBlock);
    const types = { X: x, W: weight };
    if (dweight === null) {
      cuda.run(backward, { types, defines, grid: [blocks], block }, [dx, dy, x, weight, rstd, rows, width, offset]);
      return;
    }
    // A multiple of 1, 2, 3 and 6, so that blocks come in full waves whichever of these fits a multiprocessor.
    const most = 6 * cuda.properties.multiprocessors;
    const summing = { types: { ...types, G: dweight }, defines };
    const grid = Math.min(blocks, most);
    const partials = cuda.scratch(grid * width, "f32");
    const args = [dx, partials, dy, x, weight, rstd, rows, width, offset];
    cuda.run(backwardWithWeight, { ...summing, grid: [grid], block }, args);
    cuda.run(sumWeight, { ...summing, grid: [blocksFor(width, 32)], block: 256 }, [dweight, partials, grid, width]);
  },
};
