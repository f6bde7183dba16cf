import { type CudaLaunch, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";
import { eightEach } from "../cuda-grid.ts";

const forward = cudaFunction("activation/activation.cu", "activation_forward", "pp l");
const backward = cudaFunction("activation/activation.cu", "activation_backward", "ppp l");

export const activationCuda = {
  activation_forward(cuda: CudaLauncher, y: BufferView, x: BufferView, length: number, activation: number): void {
    cuda.run(forward, launchOver(x, length, activation), [y, x, length]);
  },

  activation_backward(
    cuda: CudaLauncher,
    dx: BufferView,
    dy: BufferView,
    x: BufferView,
    length: number,
    activation: number,
  ): void {
    cuda.run(backward, launchOver(x, length, activation), [dx, dy, x, length]);
  },
};

function launchOver(x: BufferView, length: number, activation: number): CudaLaunch {
  return { types: { X: x }, defines: { ACTIVATION: activation }, ...eightEach(length) };
}
