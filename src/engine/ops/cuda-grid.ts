import { blocksFor } from "../device/cuda/launcher.ts";

/** Threads of a block of elementwise work. */
const THREADS = 256;

/** A launch whose threads take eight consecutive elements each, as `eight_each` of fettle.cuh does. */
export function eightEach(length: number): { grid: readonly [number]; block: number } {
  return { grid: [Math.ceil(length / (8 * THREADS))], block: THREADS };
}

/** How many threads share a row, such that each holds few vectors of eight columns: the macros of row-groups.cuh. */
export function shareRows(width: number): { defines: Record<string, number>; block: number; rowsPerBlock: number } {
  const vectors = blocksFor(width, 8);
  let group = 1;
  while (group < 32 && group < vectors) group *= 2;
  if (vectors > 2 * 32) for (group = 128; group < 512 && 2 * group < vectors; ) group *= 2;
  const defines = { GROUP: group, VECTORS: blocksFor(vectors, group) };
  return group > 32 ? { defines, block: group, rowsPerBlock: 1 } : { defines, block: 256, rowsPerBlock: 256 / group };
}
