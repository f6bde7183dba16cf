import { type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";
import { eightEach } from "../cuda-grid.ts";

const adamw = cudaFunction("adamw/adamw.cu", "adamw", "ppppp l ffffffff u");

export const adamwCuda = {
  adamw(
    cuda: CudaLauncher,
    p: BufferView,
    _dtype: number,
    g: BufferView,
    m: BufferView,
    v: BufferView,
    rounded: BufferView | null,
    length: number,
    learningRate: number,
    beta1: number,
    beta2: number,
    eps: number,
    weightDecay: number,
    correction1: number,
    correction2: number,
    gradientScale: number,
    seed: number,
  ): void {
    const moving = [learningRate / correction1, 1 - learningRate * weightDecay, 1 - beta1, beta2, 1 - beta2, eps];
    const scales = [1 / correction2, gradientScale];
    cuda.run(adamw, { types: { P: p }, ...eightEach(length) }, [
      p,
      g,
      m,
      v,
      rounded,
      length,
      ...moving,
      ...scales,
      seed,
    ]);
  },
};
