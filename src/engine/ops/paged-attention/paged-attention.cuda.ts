import { blocksFor, type CudaLauncher, cudaFunction } from "../../device/cuda/launcher.ts";
import type { BufferView } from "../../device/device.ts";

const storeKernel = cudaFunction("paged-attention/store-pages.cu", "store_pages", "pp pp p i");
const attend = cudaFunction("paged-attention/paged-attention.cu", "paged_attention", "ppp p ppp iiiii fif");

const WARPS = 4;
/** Most heads of a group that a block computes; paged-attention.cu has registers for their sums. */
const HEADS_TOGETHER = 8;
/** Most threads along the columns; each takes eight. */
const THREADS = 128;

export const pagedAttentionCuda = {
  store_pages(
    cuda: CudaLauncher,
    keys: BufferView,
    values: BufferView,
    k: BufferView,
    v: BufferView,
    place: BufferView,
    tokens: number,
    width: number,
  ): void {
    const block = Math.min(THREADS, 32 * blocksFor(width, 8 * 32));
    const launch = { types: { X: k }, grid: [tokens, blocksFor(width, 8 * block)], block } as const;
    cuda.run(storeKernel, launch, [keys, values, k, v, place, width]);
  },

  paged_attention(
    cuda: CudaLauncher,
    out: BufferView,
    q: BufferView,
    keys: BufferView,
    values: BufferView,
    sequence: BufferView,
    position: BufferView,
    pages: BufferView,
    queries: number,
    pagesEach: number,
    pageSize: number,
    heads: number,
    kvHeads: number,
    headDim: number,
    scale: number,
    window: number,
    softcap: number,
  ): void {
    const group = heads / kvHeads;
    const together = Math.min(group, HEADS_TOGETHER);
    const launch = {
      types: { X: q },
      defines: { HEAD_DIM: headDim, HEADS: together },
      grid: [queries, kvHeads, blocksFor(group, together)],
      block: WARPS * 32,
    } as const;
    const reach = window > 0 ? window : 2 ** 31 - 1;
    const sizes = [pagesEach, pageSize, heads, kvHeads, group, scale, reach, softcap];
    cuda.run(attend, launch, [out, q, keys, values, sequence, position, pages, ...sizes]);
  },
};
