import { blocksFor, type CudaLaunch, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";
import { MAP_BLOCK } from "../dynamic-map.ts";

const quantize = cudaFunction("nf4/nf4.cu", "nf4_quantize", "ppp li");
const dequantize = cudaFunction("nf4/nf4.cu", "nf4_dequantize", "pppppp f l");
const dequantizeTransposed = cudaFunction("nf4/nf4.cu", "nf4_dequantize_transposed", "pi ppppp f ii");
const quantizeAbsmax = cudaFunction("nf4/nf4.cu", "nf4_quantize_absmax", "pppp f l");
const THREADS = 256;
const EDGE = 64;
const WARPS = THREADS / 32;
/** Values that a block of threads unpacks. */
const UNPACKED = THREADS * 4 * 8;

export const nf4Cuda = {
  nf4_quantize(
    cuda: CudaLauncher,
    packed: BufferView,
    absmax: BufferView,
    x: BufferView,
    _dtype: number,
    length: number,
    blockSize: number,
  ): void {
    const grid = [blocksFor(blocksFor(length, blockSize), WARPS)] as const;
    cuda.run(quantize, { types: { X: x }, grid, block: THREADS }, [packed, absmax, x, length, blockSize]);
  },

  nf4_dequantize(
    cuda: CudaLauncher,
    y: BufferView,
    _dtype: number,
    packed: BufferView,
    absmax: BufferView | null,
    codes: BufferView | null,
    nestedAbsmax: BufferView | null,
    map: BufferView | null,
    offset: number,
    length: number,
    blockSize: number,
    rounding: number,
  ): void {
    const defines = valuesFor(y, blockSize, rounding);
    const launch = { types: { Y: y }, defines, grid: [blocksFor(length, UNPACKED)] } as const;
    const scales = [absmax, codes, nestedAbsmax, map, offset];
    cuda.run(dequantize, { ...launch, block: THREADS }, [y, packed, ...scales, length]);
  },

  nf4_dequantize_transposed(
    cuda: CudaLauncher,
    y: BufferView,
    ldy: number,
    _dtype: number,
    packed: BufferView,
    absmax: BufferView | null,
    codes: BufferView | null,
    nestedAbsmax: BufferView | null,
    map: BufferView | null,
    offset: number,
    rows: number,
    columns: number,
    blockSize: number,
    rounding: number,
  ): void {
    const defines = valuesFor(y, blockSize, rounding);
    const launch = { types: { YT: y }, defines, grid: [blocksFor(columns, EDGE), blocksFor(rows, EDGE)] } as const;
    const scales = [absmax, codes, nestedAbsmax, map, offset];
    cuda.run(dequantizeTransposed, { ...launch, block: THREADS }, [y, ldy, packed, ...scales, rows, columns]);
  },

  nf4_quantize_absmax(
    cuda: CudaLauncher,
    codes: BufferView,
    nestedAbsmax: BufferView,
    map: BufferView,
    absmax: BufferView,
    offset: number,
    blocks: number,
  ): void {
    const launch = { defines: { ABSMAX: 1 }, grid: [blocksFor(blocks, MAP_BLOCK)], block: MAP_BLOCK } as const;
    cuda.run(quantizeAbsmax, launch, [codes, nestedAbsmax, map, absmax, offset, blocks]);
  },
};

/** Macros of the kernels that dequantise. What is stored in bf16 is rounded to it in any case. */
function valuesFor({ dtype }: BufferView, blockSize: number, rounding: number): CudaLaunch["defines"] & object {
  return { SIZE: blockSize, ROUNDING: rounding === 1 && dtype === "bf16" ? 0 : rounding };
}
