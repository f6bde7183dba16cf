/** Threads of a block of elementwise work. */
const THREADS = 256;

/** A launch whose threads take eight consecutive elements each, as `eight_each` of fettle.cuh does. */
export function eightEach(length: number): { grid: readonly [number]; block: number } {
  return { grid: [Math.ceil(length / (8 * THREADS))], block: THREADS };
}
