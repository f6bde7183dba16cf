import { type CudaLaunch, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";
import { eightEach } from "../cuda-grid.ts";

const forward = cudaFunction("gated/gated.cu", "gated_forward", "ppp l");
const backward = cudaFunction("gated/gated.cu", "gated_backward", "ppppp l");

export const gatedCuda = {
  gated_forward(
    cuda: CudaLauncher,
    y: BufferView,
    gate: BufferView,
    up: BufferView,
    length: number,
    activation: number,
  ): void {
    cuda.run(forward, launchOver(gate, length, activation), [y, gate, up, length]);
  },

  gated_backward(
    cuda: CudaLauncher,
    dgate: BufferView,
    dup: BufferView,
    dy: BufferView,
    gate: BufferView,
    up: BufferView,
    length: number,
    activation: number,
  ): void {
    cuda.run(backward, launchOver(gate, length, activation), [dgate, dup, dy, gate, up, length]);
  },
};

function launchOver(gate: BufferView, length: number, activation: number): CudaLaunch {
  return { types: { X: gate }, defines: { ACTIVATION: activation }, ...eightEach(length) };
}
