import {
  type AnswerTable,
  type Measured,
  type MetricName,
  measure,
  rowsOf,
  sameAnswer,
  widthOf,
} from "./answer-table.ts";
import { Clusters } from "./clusters.ts";
import { comparePair, verdictOf } from "./compare-pair.ts";
import type { Comparison } from "./comparison.ts";
import type { Estimate } from "./estimate.ts";
import { holm } from "./holm.ts";
import { percentileInterval, type ResampleOptions, resample } from "./resample.ts";
import { compareSlices, type Slicing } from "./slices.ts";

export interface CompareOptions extends Partial<ResampleOptions> {
  /** [rows] rows with the same key belong together. */
  readonly groups?: { readonly by: string; readonly keys: readonly string[] } | undefined;
  /** Ways to divide the rows. */
  readonly slicings?: readonly Slicing[] | undefined;
  /** Names of subjects that are compared with the others only, not among themselves. */
  readonly apart?: readonly string[] | undefined;
}

export const DEFAULT_RESAMPLES = 2000;

/** Draws, rows, labels and subjects multiplied: beyond, ROC AUC has no interval, for it would take minutes. */
const MAX_AREA_WORK = 5e9;

/**
 * Compares subjects on the same rows: McNemar's test of each pair, paired bootstrap intervals, Holm's correction, and
 * the smallest difference that the rows could have shown. With groups, or with scores, the test is of flipped signs.
 * @param table of two subjects at least, and one row
 */
export function compareAnswers(table: AnswerTable, options: CompareOptions = {}): Comparison {
  const { seed = 0, resamples = DEFAULT_RESAMPLES, groups, slicings = [], apart = [], onProgress } = options;
  const rows = rowsOf(table);
  const clusters = groups === undefined ? Clusters.single(rows) : Clusters.by(groups.keys);
  const subjects = measure(table);
  const names = [...subjects[0]!.metrics.keys()];
  const areaWork = resamples * rows * widthOf(table) * subjects.length;
  const drawn = names.filter((name) => name !== "rocAuc" || areaWork <= MAX_AREA_WORK);
  const draws = drawAll(subjects, drawn, clusters, { seed, resamples, onProgress });
  const everyRow = new Float64Array(rows).fill(1);
  const values = subjects.map(({ metrics }) => record(names, (name) => metrics.get(name)!(everyRow)));
  const isApart = (s: number): boolean => apart.includes(table.subjects[s]!.name);
  const compared = pairsOf(subjects.length).filter(([a, b]) => !(isApart(a) && isApart(b)));
  const pairs = compared.map(([a, b]) => {
    const differences = record(names, (name): Estimate => {
      const [first, second] = [draws[a]![name], draws[b]![name]];
      const difference = values[b]![name]! - values[a]![name]!;
      return estimate(difference, first && second?.map((value, i) => value - first[i]!));
    });
    const [first, second] = [subjects[a]!.scores, subjects[b]!.scores];
    const scores = { a: first, b: second, binary: isBinary(first) && isBinary(second), clusters };
    let disagreements = 0;
    for (let row = 0; row < rows; row++) if (!sameAnswer(table, a, b, row)) disagreements++;
    return {
      a: table.subjects[a]!.name,
      b: table.subjects[b]!.name,
      differences,
      ...comparePair(scores, seed),
      disagreements,
      slices: compareSlices(scores, slicings, { seed, resamples }),
    };
  });
  const adjusted = holm(pairs.map(({ pValue }) => pValue));
  return {
    kind: table.kind,
    rows,
    groups: groups === undefined ? null : { by: groups.by, count: clusters.count },
    metrics: names,
    subjects: table.subjects.map(({ name }, s) => ({
      name,
      metrics: record(names, (metric) => estimate(values[s]![metric]!, draws[s]![metric])),
    })),
    pairs: pairs.map((pair, i) => ({
      ...pair,
      adjusted: adjusted[i]!,
      verdict: verdictOf(adjusted[i]!, pair.differences[names[0]!]!),
    })),
    resamples,
    seed,
  };
}

function isBinary(scores: Float64Array): boolean {
  return scores.every((score) => score === 0 || score === 1);
}

type Draws = Partial<Record<MetricName, Float64Array>>;

/** [subjects] values on the draws; none where there is but one cluster to draw. */
function drawAll(
  subjects: readonly Measured[],
  names: readonly MetricName[],
  clusters: Clusters,
  options: ResampleOptions,
): Draws[] {
  if (clusters.count < 2) return subjects.map(() => ({}));
  const metrics = subjects.flatMap((subject) => names.map((name) => subject.metrics.get(name)!));
  const values = resample(metrics, clusters, options);
  return subjects.map((_, s) => Object.fromEntries(names.map((name, m) => [name, values[s * names.length + m]!])));
}

/** Each of `count` with each that comes after it. */
function pairsOf(count: number): [number, number][] {
  const indices = Array.from({ length: count }, (_, i) => i);
  return indices.flatMap((a) => indices.slice(a + 1).map((b): [number, number] => [a, b]));
}

function estimate(value: number, draws: Float64Array | undefined): Estimate {
  if (Number.isNaN(value)) return { value: null, interval: null };
  return { value, interval: (draws && percentileInterval(draws)) ?? null };
}

function record<T>(names: readonly MetricName[], of: (name: MetricName) => T): Partial<Record<MetricName, T>> {
  return Object.fromEntries(names.map((name) => [name, of(name)]));
}
