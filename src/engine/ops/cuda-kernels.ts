/** How the kernels of each op folder run on CUDA, one line each; NAME.cu and NAME.cuda.ts stand in the op's folder. */
import type { CudaKernels } from "../device/cuda/launcher.ts";
import { linearCuda } from "./linear/linear.cuda.ts";
import { rmsnormCuda } from "./rmsnorm/rmsnorm.cuda.ts";

export const cudaKernelsByOp: Readonly<Record<string, CudaKernels>> = {
  linear: linearCuda,
  rmsnorm: rmsnormCuda,
};
