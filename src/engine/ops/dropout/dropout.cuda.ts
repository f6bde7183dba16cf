import { mix32 } from "../../../base/random.ts";
import { type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";
import { eightEach } from "../cuda-grid.ts";

const dropout = cudaFunction("dropout/dropout.cu", "dropout", "pp lufuu");

export const dropoutCuda = {
  dropout(
    cuda: CudaLauncher,
    y: BufferView,
    x: BufferView,
    length: number,
    threshold: number,
    scale: number,
    seed: number,
    counter: number,
  ): void {
    const launch = { types: { X: x }, ...eightEach(length) };
    cuda.run(dropout, launch, [y, x, length, threshold, scale, mix32(seed), counter]);
  },
};
