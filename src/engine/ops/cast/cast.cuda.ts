import { type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";
import { eightEach } from "../cuda-grid.ts";

const cast = cudaFunction("cast/cast.cu", "cast", "pp l");

export const castCuda = {
  cast(cuda: CudaLauncher, y: BufferView, _yDtype: number, x: BufferView, _xDtype: number, length: number): void {
    cuda.run(cast, { types: { Y: y, X: x }, ...eightEach(length) }, [y, x, length]);
  },
};
