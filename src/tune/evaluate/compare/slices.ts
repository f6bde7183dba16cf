import { differencesOf, type PairedScores, testPair, verdictOf } from "./compare-pair.ts";
import type { SliceComparison } from "./comparison.ts";
import type { Estimate } from "./estimate.ts";
import { holm } from "./holm.ts";
import { percentileInterval, type ResampleOptions, resample } from "./resample.ts";
import { meanOf } from "./weighted-metrics.ts";

/** One way to divide the rows. */
export interface Slicing {
  /** `label`, `length`, or a field. */
  readonly by: string;
  /** Names of the slices, in the order in which they are shown. */
  readonly names: readonly string[];
  /** [rows] index of the slice that a row is in; -1: in none. */
  readonly members: Int32Array;
}

/** Fewer rows than this are marked: an interval from them is wide, and not to be trusted to the point. */
const SMALL = 30;

/** Compares A and B on each slice; p-values are corrected over all slices of all slicings. */
export function compareSlices(
  scores: PairedScores,
  slicings: readonly Slicing[],
  options: ResampleOptions,
): SliceComparison[] {
  const slices = slicings.flatMap(({ by, names, members }) =>
    rowsOfSlices(names.length, members).flatMap((rows, slice) =>
      rows.length === 0 ? [] : [{ by, value: names[slice]!, ...compareSlice(scores, rows, options) }],
    ),
  );
  const adjusted = holm(slices.map(({ pValue }) => pValue));
  return slices.map((slice, i) => ({
    ...slice,
    adjusted: adjusted[i]!,
    verdict: verdictOf(adjusted[i]!, slice.difference),
  }));
}

function rowsOfSlices(count: number, members: Int32Array): number[][] {
  const slices = Array.from({ length: count }, (): number[] => []);
  for (const [row, slice] of members.entries()) slices[slice]?.push(row);
  return slices;
}

function compareSlice(
  whole: PairedScores,
  rows: readonly number[],
  options: ResampleOptions,
): Omit<SliceComparison, "by" | "value" | "adjusted" | "verdict"> {
  const a = Float64Array.from(rows, (row) => whole.a[row]!);
  const b = Float64Array.from(rows, (row) => whole.b[row]!);
  const clusters = whole.clusters.subset(rows);
  const scoreA = mean(a);
  const scoreB = mean(b);
  const drawn =
    clusters.count < 2 ? undefined : percentileInterval(resample([meanOf(differencesOf(a, b))], clusters, options)[0]!);
  const difference: Estimate = { value: scoreB - scoreA, interval: drawn ?? null };
  const { pValue } = testPair({ a, b, binary: whole.binary, clusters }, options.seed);
  return { rows: rows.length, scoreA, scoreB, difference, pValue, small: clusters.count < SMALL };
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
