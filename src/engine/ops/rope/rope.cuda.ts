import { blocksFor, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";

const rope = cudaFunction("rope/rope.cu", "rope", "pppp uiiif");
const THREADS = 256;

export const ropeCuda = {
  rope(
    cuda: CudaLauncher,
    y: BufferView,
    x: BufferView,
    cos: BufferView,
    sin: BufferView,
    tokens: number,
    heads: number,
    headDim: number,
    sign: number,
  ): void {
    const half = headDim / 2;
    const groups = blocksFor(half, 8);
    const threads = tokens * heads * groups;
    const launch = { types: { X: x }, grid: [blocksFor(threads, THREADS)], block: THREADS } as const;
    cuda.run(rope, launch, [y, x, cos, sin, threads, heads, groups, half, sign]);
  },
};
