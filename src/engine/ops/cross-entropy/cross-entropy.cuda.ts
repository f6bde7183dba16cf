import { type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";

const crossEntropy = cudaFunction("cross-entropy/logits.cu", "cross_entropy", "ppppp iffff");

export const crossEntropyCuda = {
  cross_entropy(
    cuda: CudaLauncher,
    loss: BufferView,
    logits: BufferView,
    dlogits: BufferView | null,
    targets: BufferView,
    weights: BufferView,
    rows: number,
    vocabulary: number,
    scale: number,
    softcap: number,
    gamma: number,
    smoothing: number,
  ): void {
    const launch = { types: { D: dlogits ?? "f32" }, grid: [rows], block: 512 } as const;
    const numbers = [vocabulary, scale, softcap, gamma, smoothing];
    cuda.run(crossEntropy, launch, [loss, logits, dlogits, targets, weights, ...numbers]);
  },
};
