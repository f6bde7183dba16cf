import { type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";
import { eightEach } from "../cuda-grid.ts";

const add = cudaFunction("add/add.cu", "add", "ppp l");

export const addCuda = {
  add(cuda: CudaLauncher, y: BufferView, a: BufferView, b: BufferView, length: number): void {
    cuda.run(add, { types: { X: y }, ...eightEach(length) }, [y, a, b, length]);
  },
};
