import { blocksFor, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";

const sumSquares = cudaFunction("sum-squares/sum-squares.cu", "sum_squares", "pp l");
const sumPieces = cudaFunction("sum-squares/sum-squares.cu", "sum_pieces", "pipi");
const THREADS = 256;
/** Elements of a block. */
const PIECE = THREADS * 8 * 8;

export const sumSquaresCuda = {
  sum_squares(cuda: CudaLauncher, out: BufferView, slot: number, x: BufferView, _xDtype: number, length: number): void {
    const types = { X: x };
    const count = blocksFor(length, PIECE);
    const pieces = cuda.scratch(Math.max(1, count), "f32");
    cuda.run(sumSquares, { types, grid: [count], block: THREADS }, [pieces, x, length]);
    cuda.run(sumPieces, { types, grid: [1], block: THREADS }, [out, slot, pieces, count]);
  },
};
