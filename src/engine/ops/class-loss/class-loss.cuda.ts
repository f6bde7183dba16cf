import { type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";

const softmax = cudaFunction("class-loss/class-loss.cu", "class_loss_softmax", "pppppp ifff");
const sigmoid = cudaFunction("class-loss/class-loss.cu", "class_loss_sigmoid", "ppppppp iff");
const THREADS = 128;

export const classLossCuda = {
  class_loss_softmax(
    cuda: CudaLauncher,
    loss: BufferView,
    dlogits: BufferView | null,
    logits: BufferView,
    targets: BufferView,
    weights: BufferView,
    classWeights: BufferView,
    rows: number,
    ...numbers: readonly number[]
  ): void {
    const args = [loss, dlogits, logits, targets, weights, classWeights, ...numbers];
    cuda.run(softmax, { grid: [rows], block: THREADS }, args);
  },

  class_loss_sigmoid(
    cuda: CudaLauncher,
    loss: BufferView,
    dlogits: BufferView | null,
    logits: BufferView,
    targets: BufferView,
    weights: BufferView,
    positive: BufferView,
    negative: BufferView,
    rows: number,
    ...numbers: readonly number[]
  ): void {
    const args = [loss, dlogits, logits, targets, weights, positive, negative, ...numbers];
    cuda.run(sigmoid, { grid: [rows], block: THREADS }, args);
  },
};
