import { type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";

const forward = cudaFunction("rmsnorm/rmsnorm.cu", "rmsnorm_forward", "pppp iff");
const THREADS = 256;

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
    const launch = { types: { X: x, W: weight }, grid: [rows], block: THREADS } as const;
    cuda.run(forward, launch, [y, rstd, x, weight, width, eps, offset]);
  },
};
