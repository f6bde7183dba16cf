/** How the kernels of each op folder run on CUDA, one line each; NAME.cu and NAME.cuda.ts stand in the op's folder. */
import type { CudaKernels } from "../device/cuda/launcher.ts";
import { activationCuda } from "./activation/activation.cuda.ts";
import { adamwCuda } from "./adamw/adamw.cuda.ts";
import { adamw8bitCuda } from "./adamw-8bit/adamw-8bit.cuda.ts";
import { addCuda } from "./add/add.cuda.ts";
import { attentionCuda } from "./attention/attention.cuda.ts";
import { castCuda } from "./cast/cast.cuda.ts";
import { classLossCuda } from "./class-loss/class-loss.cuda.ts";
import { crossEntropyCuda } from "./cross-entropy/cross-entropy.cuda.ts";
import { doraCuda } from "./dora/dora.cuda.ts";
import { dropoutCuda } from "./dropout/dropout.cuda.ts";
import { gatedCuda } from "./gated/gated.cuda.ts";
import { gatedLinearCuda } from "./gated-linear/gated-linear.cuda.ts";
import { layernormCuda } from "./layernorm/layernorm.cuda.ts";
import { linearCuda } from "./linear/linear.cuda.ts";
import { logProbabilityCuda } from "./log-probability/log-probability.cuda.ts";
import { nf4Cuda } from "./nf4/nf4.cuda.ts";
import { pagedAttentionCuda } from "./paged-attention/paged-attention.cuda.ts";
import { randomCuda } from "./random/random.cuda.ts";
import { rmsnormCuda } from "./rmsnorm/rmsnorm.cuda.ts";
import { ropeCuda } from "./rope/rope.cuda.ts";
import { rowsCuda } from "./rows/rows.cuda.ts";
import { scaleCuda } from "./scale/scale.cuda.ts";
import { sumSquaresCuda } from "./sum-squares/sum-squares.cuda.ts";
import { topTokensCuda } from "./top-tokens/top-tokens.cuda.ts";
import { transposeCuda } from "./transpose/transpose.cuda.ts";

export const cudaKernelsByOp: Readonly<Record<string, CudaKernels>> = {
  adamw: adamwCuda,
  "adamw-8bit": adamw8bitCuda,
  activation: activationCuda,
  add: addCuda,
  attention: attentionCuda,
  cast: castCuda,
  "class-loss": classLossCuda,
  "cross-entropy": crossEntropyCuda,
  dora: doraCuda,
  dropout: dropoutCuda,
  gated: gatedCuda,
  "gated-linear": gatedLinearCuda,
  layernorm: layernormCuda,
  linear: linearCuda,
  "log-probability": logProbabilityCuda,
  nf4: nf4Cuda,
  "paged-attention": pagedAttentionCuda,
  random: randomCuda,
  rmsnorm: rmsnormCuda,
  rope: ropeCuda,
  rows: rowsCuda,
  scale: scaleCuda,
  "sum-squares": sumSquaresCuda,
  "top-tokens": topTokensCuda,
  transpose: transposeCuda,
};
