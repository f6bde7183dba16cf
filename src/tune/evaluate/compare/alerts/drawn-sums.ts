import type { Clusters } from "../clusters.ts";
import { type ResampleOptions, resample } from "../resample.ts";
import type { WeightedMetric } from "../weighted-metrics.ts";
import type { Alerts } from "./alert-table.ts";

/** Sums over rows: first over the rows as they are, then over each bootstrap draw, the same draws for all. */
export interface DrawnSums {
  /** [1 + draws] rows drawn */
  readonly rows: Float64Array;
  /** [labels][1 + draws] rows that have the label */
  readonly there: readonly Float64Array[];
  /** [subjects] */
  readonly of: readonly SubjectSums[];
}

export interface SubjectSums {
  /** [labels][1 + draws] rows that have the label and are said to */
  readonly hits: readonly Float64Array[];
  /** [labels][1 + draws] rows that are said to have the label */
  readonly given: readonly Float64Array[];
}

/**
 * Everything that accuracy, precision, recall and F1 are made of. One cluster alone leaves nothing to draw: then there is
 * only the first sum.
 * @param targets [rows, labels]
 */
export function drawSums(
  targets: Uint8Array,
  labels: number,
  subjects: readonly Pick<Alerts, "answers">[],
  clusters: Clusters,
  options: ResampleOptions,
): DrawnSums {
  const each = Array.from({ length: labels }, (_, label) => label);
  const rowsWith =
    (holds: (at: number) => boolean) =>
    (label: number): WeightedMetric => {
      const rows: number[] = [];
      for (let row = 0; row < clusters.rows; row++) if (holds(row * labels + label)) rows.push(row);
      return (weights) => rows.reduce((sum, row) => sum + weights[row]!, 0);
    };
  const parts: WeightedMetric[] = [
    (weights) => weights.reduce((sum, weight) => sum + weight, 0),
    ...each.map(rowsWith((at) => targets[at] === 1)),
    ...subjects.flatMap(({ answers }) => [
      ...each.map(rowsWith((at) => answers[at] === 1 && targets[at] === 1)),
      ...each.map(rowsWith((at) => answers[at] === 1)),
    ]),
  ];
  const draws = clusters.count < 2 ? [] : resample(parts, clusters, options);
  const everyRow = new Float64Array(clusters.rows).fill(1);
  const sums = parts.map((part, p) => Float64Array.of(part(everyRow), ...(draws[p] ?? [])));
  const [rows, ...rest] = sums;
  return {
    rows: rows!,
    there: rest.slice(0, labels),
    of: subjects.map((_, s) => {
      const from = labels * (1 + 2 * s);
      return { hits: rest.slice(from, from + labels), given: rest.slice(from + labels, from + 2 * labels) };
    }),
  };
}
