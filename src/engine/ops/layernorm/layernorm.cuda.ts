import { blocksFor, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import { type BufferView, dtypeBytes } from "../../device/device.ts";
import { shareRows } from "../cuda-grid.ts";

const forward = cudaFunction("layernorm/layernorm.cu", "layernorm_forward", "pppppp lif");
const backward = cudaFunction("layernorm/layernorm.cu", "layernorm_backward", "pppppp li");
const backwardWithParameters = cudaFunction("layernorm/layernorm.cu", "layernorm_backward_parameters", "ppppppp li");
const sum = cudaFunction("layernorm/layernorm.cu", "layernorm_sum", "pp ii");

export const layernormCuda = {
  layernorm_forward(
    cuda: CudaLauncher,
    y: BufferView,
    mean: BufferView,
    rstd: BufferView,
    x: BufferView,
    weight: BufferView,
    bias: BufferView | null,
    rows: number,
    width: number,
    eps: number,
  ): void {
    const { defines, block, rowsPerBlock } = shareRows(width);
    const types = { X: x, W: weight, B: bias ?? weight };
    const launch = { types, defines, grid: [blocksFor(rows, rowsPerBlock)], block } as const;
    cuda.run(forward, launch, [y, mean, rstd, x, weight, bias, rows, width, eps]);
  },

  layernorm_backward(
    cuda: CudaLauncher,
    dx: BufferView | null,
    dweight: BufferView | null,
    dbias: BufferView | null,
    dy: BufferView,
    x: BufferView,
    weight: BufferView,
    mean: BufferView,
    rstd: BufferView,
    rows: number,
    width: number,
  ): void {
    const { defines, block, rowsPerBlock } = shareRows(width);
    const blocks = blocksFor(rows, rowsPerBlock);
    const types = { X: x, W: weight, B: weight };
    const inputs = [dy, x, weight, mean, rstd, rows, width];
    if (dweight === null && dbias === null) {
      cuda.run(backward, { types, defines, grid: [blocks], block }, [dx, ...inputs]);
      return;
    }
    // A multiple of 1, 2, 3 and 6, so that blocks come in full waves whichever of these fits a multiprocessor.
    const grid = Math.min(blocks, 6 * cuda.properties.multiprocessors);
    const partials = cuda.scratch(grid * 2 * width, "f32");
    const summing = { ...types, G: (dweight ?? dbias)! };
    cuda.run(backwardWithParameters, { types: summing, defines, grid: [grid], block }, [dx, partials, ...inputs]);
    const { buffer, offset, dtype } = partials;
    const ofBias = { buffer, offset: offset + width * dtypeBytes.f32, length: partials.length - width, dtype };
    for (const [gradient, from] of [[dweight, partials] as const, [dbias, ofBias] as const]) {
      if (gradient === null) continue;
      const launch = { types: { ...types, G: gradient }, defines, grid: [blocksFor(width, 32)], block: 256 } as const;
      cuda.run(sum, launch, [gradient, from, grid, width]);
    }
  },
};
