/** How the kernels of each op folder run on CUDA, one line each; NAME.cu and NAME.cuda.ts stand in the op's folder. */
import type { CudaKernels } from "../device/cuda/launcher.ts";
import { addCuda } from "./add/add.cuda.ts";
import { castCuda } from "./cast/cast.cuda.ts";
import { crossEntropyCuda } from "./cross-entropy/cross-entropy.cuda.ts";
import { dropoutCuda } from "./dropout/dropout.cuda.ts";
import { gatedCuda } from "./gated/gated.cuda.ts";
import { linearCuda } from "./linear/linear.cuda.ts";
import { logProbabilityCuda } from "./log-probability/log-probability.cuda.ts";
import { rmsnormCuda } from "./rmsnorm/rmsnorm.cuda.ts";
import { ropeCuda } from "./rope/rope.cuda.ts";
import { rowsCuda } from "./rows/rows.cuda.ts";
import { scaleCuda } from "./scale/scale.cuda.ts";
import { sumSquaresCuda } from "./sum-squares/sum-squares.cuda.ts";

export const cudaKernelsByOp: Readonly<Record<string, CudaKernels>> = {
  add: addCuda,
  cast: castCuda,
  "cross-entropy": crossEntropyCuda,
  dropout: dropoutCuda,
  gated: gatedCuda,
  linear: linearCuda,
  "log-probability": logProbabilityCuda,
  rmsnorm: rmsnormCuda,
  rope: ropeCuda,
  rows: rowsCuda,
  scale: scaleCuda,
  "sum-squares": sumSquaresCuda,
};
