import { blocksFor, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import { type BufferView, dtypeBytes } from "../../device/device.ts";
import { eightEach } from "../cuda-grid.ts";

const norms = cudaFunction("dora/dora.cu", "dora_norms", "pplppf iii");
const forward = cudaFunction("dora/dora.cu", "dora_forward", "pppppp li");
const backward = cudaFunction("dora/dora.cu", "dora_backward", "pppppp ii");
const sum = cudaFunction("dora/dora.cu", "dora_sum", "pp ii");

const THREADS = 256;
const WARP = 32;
/** Rows of the weight that a block has. */
const ROWS = 4;
/** Rows of dy for which another block is worth its partial sums. */
const ROWS_OF_BLOCK = 128;

export const doraCuda = {
  dora_norms(
    cuda: CudaLauncher,
    to: BufferView,
    weight: BufferView,
    ldw: number,
    _weightDtype: number,
    a: BufferView,
    b: BufferView,
    scale: number,
    outputs: number,
    inputs: number,
    rank: number,
  ): void {
    const launch = { types: { X: weight, W: weight }, grid: [blocksFor(outputs, ROWS)], block: THREADS } as const;
    cuda.run(norms, launch, [to, weight, ldw, a, b, scale, outputs, inputs, rank]);
  },

  dora_forward(
    cuda: CudaLauncher,
    y: BufferView,
    z: BufferView,
    magnitude: BufferView,
    lengths: BufferView,
    bias: BufferView | null,
    start: BufferView | null,
    rows: number,
    width: number,
  ): void {
    const launch = { types: { X: y, W: y }, ...eightEach(rows * width) };
    cuda.run(forward, launch, [y, z, magnitude, lengths, bias, start, rows * width, width]);
  },

  dora_backward(
    cuda: CudaLauncher,
    dz: BufferView,
    dmagnitude: BufferView | null,
    dbias: BufferView | null,
    dy: BufferView,
    z: BufferView,
    magnitude: BufferView,
    lengths: BufferView,
    rows: number,
    width: number,
  ): void {
    const types = { X: dz, W: dz };
    const blocks = Math.max(1, blocksFor(rows, ROWS_OF_BLOCK));
    const partials = cuda.scratch(blocks * 2 * width, "f32");
    const launch = { types, grid: [blocksFor(width, WARP), blocks], block: THREADS } as const;
    cuda.run(backward, launch, [dz, partials, dy, z, magnitude, lengths, rows, width]);
    const { buffer, offset, dtype } = partials;
    const ofBias = { buffer, offset: offset + width * dtypeBytes.f32, length: partials.length - width, dtype };
    for (const [gradient, from] of [[dmagnitude, partials] as const, [dbias, ofBias] as const]) {
      if (gradient === null) continue;
      cuda.run(sum, { types, grid: [blocksFor(width, THREADS)], block: THREADS }, [gradient, from, blocks, width]);
    }
  },
};
