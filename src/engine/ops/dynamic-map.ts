/**
 * The 8-bit dynamic map of bitsandbytes (Dettmers 2016, arXiv 1511.04561; Dettmers et al. 2022, arXiv 2110.02861): 256
 * values in [-1, 1] (signed) or [0, 1] (unsigned), denser towards zero. NF4's scales and 8-bit AdamW's moments are stored
 * as indices into it.
 */
export const MAP_SIZE: 256 = 256;

/** Blocks of this many values share one scale. */
export const MAP_BLOCK: 256 = 256;

/**
 * The map, ascending, in f32: seven decades, decade i divided into 2^i (unsigned: 2^(i+1)) equal steps from 0.1 to 1 and
 * represented by their middles; then 0 and 1.
 */
export function dynamicMap(kind: "signed" | "unsigned"): Float32Array {
  const tenth = Math.fround(0.1);
  const values = [0, 1];
  for (let decade = 0; decade < 7; decade++) {
    const steps = 2 ** (kind === "signed" ? decade : decade + 1);
    const step = Math.fround(Math.fround(1 - tenth) / steps);
    // One rounding for product and sum, and counting from the nearer end: what torch.linspace computes.
    const bound = (j: number): number =>
      j < Math.trunc((steps + 1) / 2) ? Math.fround(step * j + tenth) : Math.fround(1 - step * (steps - j));
    const magnitude = Math.fround(10 ** (decade - 6));
    for (let j = 0; j < steps; j++) {
      const middle = Math.fround(Math.fround(bound(j) + bound(j + 1)) / 2);
      const value = Math.fround(magnitude * middle);
      values.push(value);
      if (kind === "signed") values.push(-value);
    }
  }
  return Float32Array.from(values).sort();
}

/** Index of the value nearest to x; of two equally near, the even index. NaN gives 0. */
export function nearestCode(map: ArrayLike<number>, x: number): number {
  let code = 0;
  for (let half = MAP_SIZE / 2; half >= 1; half /= 2) {
    const below = code + half - 1;
    const middle = Math.fround(Math.fround(map[below]! + map[below + 1]!) / 2);
    if (below % 2 === 0 ? x > middle : x >= middle) code += half;
  }
  return code;
}
