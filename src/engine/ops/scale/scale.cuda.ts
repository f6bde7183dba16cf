import { type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";
import { eightEach } from "../cuda-grid.ts";

const scale = cudaFunction("scale/scale.cu", "scale", "p lf");

export const scaleCuda = {
  scale(cuda: CudaLauncher, x: BufferView, length: number, factor: number): void {
    cuda.run(scale, { types: { X: x }, ...eightEach(length) }, [x, length, factor]);
  },
};
