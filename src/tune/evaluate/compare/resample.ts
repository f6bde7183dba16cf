import { Random } from "../../../base/random.ts";
import type { Interval } from "../bootstrap.ts";
import { quantile } from "../quantile.ts";
import type { Clusters } from "./clusters.ts";
import type { WeightedMetric } from "./weighted-metrics.ts";

export interface ResampleOptions {
  readonly seed: number;
  readonly resamples: number;
  /** Told now and then how many draws are done. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** Draws between two words of progress. */
const DRAWS_PER_WORD = 50;

/**
 * Bootstrap of several metrics on the same draws (Efron 1979): clusters are drawn with replacement, as many as there
 * are, and a row counts as often as its cluster came (Davison and Hinkley 1997, §3.8). What is computed on the same draws can
 * be subtracted: that is the paired bootstrap.
 * @returns [metrics][resamples]
 */
export function resample(
  metrics: readonly WeightedMetric[],
  clusters: Clusters,
  { seed, resamples, onProgress }: ResampleOptions,
): Float64Array[] {
  const random = new Random(seed, "compare");
  const drawn = new Float64Array(clusters.count);
  const weights = clusters.grouped ? new Float64Array(clusters.rows) : drawn;
  const values = metrics.map(() => new Float64Array(resamples));
  for (let i = 0; i < resamples; i++) {
    drawn.fill(0);
    for (let draw = 0; draw < clusters.count; draw++) drawn[random.integer(clusters.count)]! += 1;
    if (clusters.grouped) {
      for (let row = 0; row < clusters.rows; row++) weights[row] = drawn[clusters.clusterOf(row)]!;
    }
    for (const [m, metric] of metrics.entries()) values[m]![i] = metric(weights);
    if ((i + 1) % DRAWS_PER_WORD === 0) onProgress?.(i + 1);
  }
  return values;
}

/**
 * Percentile interval that covers 95 % of the draws. Draws on which the metric is not defined are left out.
 * @returns undefined where the metric is defined on fewer than half of the draws
 */
export function percentileInterval(draws: Float64Array): Interval | undefined {
  const ascending = draws.filter((value) => !Number.isNaN(value)).sort();
  if (ascending.length < draws.length / 2 || ascending.length === 0) return undefined;
  return [quantile(ascending, 0.025), quantile(ascending, 0.975)];
}
