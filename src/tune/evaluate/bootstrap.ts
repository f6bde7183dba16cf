import { Random } from "../../base/random.ts";
import { sampleBinomial } from "./binomial.ts";
import { ConfusionMatrix } from "./confusion-matrix.ts";
import { quantile } from "./quantile.ts";

export type Interval = readonly [low: number, high: number];

export interface BootstrapOptions {
  readonly seed?: number;
  readonly resamples?: number;
  /** Share of resamples that the interval covers. */
  readonly confidence?: number;
}

/**
 * Percentile confidence intervals of metrics (Efron 1979) from the confusion counts alone. Drawing n rows with
 * replacement and counting them again is one multinomial draw of n over the cells, so no row needs to be kept.
 * The cells are drawn one after another, each from the binomial that is left of the multinomial. All metrics see the
 * same resamples.
 */
export function bootstrap<Name extends string>(
  matrix: ConfusionMatrix,
  metrics: Readonly<Record<Name, (matrix: ConfusionMatrix) => number>>,
  { seed = 0, resamples = 1000, confidence = 0.95 }: BootstrapOptions = {},
): Record<Name, Interval> {
  const random = new Random(seed, "bootstrap");
  const cells = occupiedCells(matrix);
  const names = Object.keys(metrics) as Name[];
  const values = names.map(() => new Float64Array(resamples));
  const drawn = new ConfusionMatrix(matrix.classes);
  for (let resample = 0; resample < resamples; resample++) {
    drawMultinomial(random, matrix, cells, drawn);
    for (const [i, name] of names.entries()) values[i]![resample] = metrics[name](drawn);
  }
  const tail = (1 - confidence) / 2;
  const intervals = names.map((name, i): [Name, Interval] => {
    const ascending = values[i]!.sort();
    return [name, [quantile(ascending, tail), quantile(ascending, 1 - tail)]];
  });
  return Object.fromEntries(intervals) as Record<Name, Interval>;
}

function occupiedCells(matrix: ConfusionMatrix): Uint32Array {
  const cells: number[] = [];
  for (const [cell, count] of matrix.counts.entries()) if (count > 0) cells.push(cell);
  return Uint32Array.from(cells);
}

function drawMultinomial(random: Random, source: ConfusionMatrix, cells: Uint32Array, drawn: ConfusionMatrix): void {
  drawn.clear();
  let rowsLeft = source.total;
  let countLeft = source.total;
  for (const cell of cells) {
    if (rowsLeft === 0) break;
    const count = source.counts[cell]!;
    const times = sampleBinomial(random, rowsLeft, count / countLeft);
    if (times > 0) drawn.add(Math.floor(cell / source.classes), cell % source.classes, times);
    rowsLeft -= times;
    countLeft -= count;
  }
}
