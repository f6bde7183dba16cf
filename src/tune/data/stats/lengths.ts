import type { Column } from "../store/column.ts";

/** How long rows are: percentiles and a histogram. */
export interface Lengths {
  readonly rows: number;
  readonly total: number;
  readonly mean: number;
  /** Nearest rank: the least length that this share of the rows does not exceed. Keys `p0` (shortest) to `p100`. */
  readonly percentiles: Readonly<Record<(typeof percentileNames)[number], number>>;
  readonly histogram: Histogram;
}

/** Rows by length: bin i counts lengths in [i * width, (i + 1) * width), the last also all that are longer. */
export interface Histogram {
  readonly width: number;
  readonly counts: readonly number[];
}

export const percentileNames = ["p0", "p5", "p25", "p50", "p75", "p90", "p95", "p99", "p100"] as const;

const BINS = 20;

/** @param sorted in ascending order, at least one */
export function describeLengths(sorted: Int32Array): Lengths {
  let total = 0;
  for (const length of sorted) total += length;
  const at = (percent: number): number => sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!;
  const percentiles = Object.fromEntries(percentileNames.map((name) => [name, at(Number(name.slice(1)))]));
  return {
    rows: sorted.length,
    total,
    mean: total / sorted.length,
    percentiles: percentiles as Lengths["percentiles"],
    histogram: histogramOf(sorted, at(99)),
  };
}

/** The values of a list in ascending order. */
export function ascending(values: Column): Int32Array {
  const sorted = new Int32Array(values.length);
  for (let i = 0; i < sorted.length; i++) sorted[i] = values.at(i);
  return sorted.sort();
}

/** Rows longer than `length`. */
export function countLonger(sorted: Int32Array, length: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! > length) high = middle;
    else low = middle + 1;
  }
  return sorted.length - low;
}

/** A few rows that are far longer than all others would leave nothing to see: those share the last bin. */
function histogramOf(sorted: Int32Array, usual: number): Histogram {
  const longest = sorted.at(-1)!;
  const width = roundWidth(((longest > 2 * usual ? usual : longest) + 1) / BINS);
  const bins = Math.min(BINS + 1, Math.floor(longest / width) + 1);
  const counts = new Array<number>(bins).fill(0);
  for (const length of sorted) counts[Math.min(bins - 1, Math.floor(length / width))]!++;
  return { width, counts };
}

/** The least of 1, 2, 5, 10, 20, 50, … that is not smaller. */
function roundWidth(width: number): number {
  for (let scale = 1; ; scale *= 10) {
    const found = [1, 2, 5].find((step) => step * scale >= width);
    if (found !== undefined) return found * scale;
  }
}
