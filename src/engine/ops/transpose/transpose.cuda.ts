import { blocksFor, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";

const transpose = cudaFunction("transpose/transpose.cu", "transpose", "pipi ii");
const EDGE = 64;

export const transposeCuda = {
  transpose(
    cuda: CudaLauncher,
    to: BufferView,
    ldto: number,
    from: BufferView,
    ldfrom: number,
    rows: number,
    columns: number,
  ): void {
    const grid = [blocksFor(columns, EDGE), blocksFor(rows, EDGE)] as const;
    cuda.run(transpose, { types: { X: to }, grid, block: 256 }, [to, ldto, from, ldfrom, rows, columns]);
  },
};
