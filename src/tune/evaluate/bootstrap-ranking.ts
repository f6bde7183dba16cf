import { Random } from "../../base/random.ts";
import type { BootstrapOptions, Interval } from "./bootstrap.ts";
import { quantile } from "./quantile.ts";
import type { ScoreTable } from "./score-table.ts";

export interface RankingIntervals {
  readonly roc_auc: Interval;
  readonly average_precision: Interval;
}

/** Rows drawn and looked at, in all: some seconds. */
const MOST_WORK = 3e8;
const FEWEST_RESAMPLES = 200;

/**
 * Percentile bootstrap intervals of ROC AUC and average precision, by drawing rows with replacement: every label's rows are
 * put in order once, then counted as often as they are drawn. Resamples in which a label is that of no row, or of all, have
 * no ROC AUC and are left out. Undefined where the set is too large for enough resamples, or where too many are left out.
 * @param positive of two labels
 */
export function bootstrapRanking(
  scores: ScoreTable,
  positive: number | undefined,
  { seed = 0, resamples = 1000, confidence = 0.95 }: BootstrapOptions = {},
): RankingIntervals | undefined {
  const { rows } = scores;
  const labels = positive === undefined ? Array.from({ length: scores.labels }, (_, c) => c) : [positive];
  const affordable = Math.min(resamples, Math.floor(MOST_WORK / (rows * (labels.length + 1))));
  if (rows === 0 || affordable < Math.min(FEWEST_RESAMPLES, resamples)) return undefined;
  const ranked = labels.map((label) => rank(scores, label));
  const random = new Random(seed, "bootstrap");
  const times = new Uint32Array(rows);
  const aucs: number[] = [];
  const precisions: number[] = [];
  for (let resample = 0; resample < affordable; resample++) {
    times.fill(0);
    for (let draw = 0; draw < rows; draw++) times[random.integer(rows)]!++;
    let [auc, precision] = [0, 0];
    for (const order of ranked) {
      const own = areas(order, times);
      auc += own.auc / labels.length;
      precision += own.precision / labels.length;
    }
    if (Number.isNaN(auc)) continue;
    aucs.push(auc);
    precisions.push(precision);
  }
  if (aucs.length < affordable / 2) return undefined;
  const tail = (1 - confidence) / 2;
  const interval = (values: readonly number[]): Interval => {
    const ascending = Float64Array.from(values).sort();
    return [quantile(ascending, tail), quantile(ascending, 1 - tail)];
  };
  return { roc_auc: interval(aucs), average_precision: interval(precisions) };
}

/** Rows by falling score of a label. */
interface Ranked {
  /** [rows] */
  readonly order: Uint32Array;
  /** [rows] whether a place is the last of its score */
  readonly ends: Uint8Array;
  /** [rows] by place */
  readonly isTrue: Uint8Array;
}

function rank(scores: ScoreTable, label: number): Ranked {
  const column = scores.column(label);
  const order = Uint32Array.from(column, (_, row) => row).sort((a, b) => column[b]! - column[a]!);
  const ends = Uint8Array.from(order, (row, place) => (column[order[place + 1] ?? row] === column[row] ? 0 : 1));
  ends[ends.length - 1] = 1;
  return { order, ends, isTrue: Uint8Array.from(order, (row) => (scores.isTrue(row, label) ? 1 : 0)) };
}

/** ROC AUC, NaN where it is not defined, and average precision of rows that count so many `times`. */
function areas({ order, ends, isTrue }: Ranked, times: Uint32Array): { auc: number; precision: number } {
  let [auc, precision] = [0, 0];
  let [t, f] = [0, 0];
  let [tBefore, fBefore] = [0, 0];
  for (let place = 0; place < order.length; place++) {
    const count = times[order[place]!]!;
    if (isTrue[place]) t += count;
    else f += count;
    if (!ends[place]) continue;
    auc += ((f - fBefore) * (t + tBefore)) / 2;
    if (t > tBefore) precision += ((t - tBefore) * t) / (t + f);
    [tBefore, fBefore] = [t, f];
  }
  return { auc: auc / t / f, precision: t === 0 ? 0 : precision / t };
}
