import { type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";
import { eightEach } from "../cuda-grid.ts";

const normal = cudaFunction("random/random.cu", "random_normal", "p l u f");

export const randomCuda = {
  random_normal(
    cuda: CudaLauncher,
    y: BufferView,
    _yDtype: number,
    length: number,
    seed: number,
    deviation: number,
  ): void {
    cuda.run(normal, { types: { Y: y }, ...eightEach(length) }, [y, length, seed, deviation]);
  },
};
