import { blocksFor, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";
import { MAP_BLOCK } from "../dynamic-map.ts";

const adamw8bit = cudaFunction("adamw-8bit/adamw-8bit.cu", "adamw_8bit", "pppp pppp p l ffffffff u");
const THREADS = 512;
/** Values that a block of threads takes at once: a block of the map for each warp. */
const AT_ONCE = (THREADS / 32) * MAP_BLOCK;
/** Blocks a multiprocessor, which are all that fit: more would prepare the maps more often. */
const RESIDENT = 2;

export const adamw8bitCuda = {
  adamw_8bit(
    cuda: CudaLauncher,
    p: BufferView,
    _dtype: number,
    g: BufferView,
    state1: BufferView,
    state2: BufferView,
    absmax1: BufferView,
    absmax2: BufferView,
    map1: BufferView,
    map2: BufferView,
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
    const grid = Math.min(blocksFor(length, AT_ONCE), cuda.properties.multiprocessors * RESIDENT);
    const tensors = [p, g, state1, state2, absmax1, absmax2, map1, map2, rounded];
    const rate = (learningRate * correction2) / correction1;
    const moving = [rate, beta1, 1 - beta1, beta2, 1 - beta2, correction2 * eps];
    const scales = [1 - learningRate * weightDecay, gradientScale];
    cuda.run(adamw8bit, { types: { P: p }, grid: [grid], block: THREADS }, [
      ...tensors,
      length,
      ...moving,
      ...scales,
      seed,
    ]);
  },
};
