import { macroAverage, weightedAverage } from "../averages.ts";
import { type Scores, scoresOf } from "../class-scores.ts";
import type { ConfusionMatrix } from "../confusion-matrix.ts";
import { type Metric, NO_ROWS } from "../metric.ts";
import type { SetCounts } from "../set-counts.ts";

interface Average {
  readonly name: string;
  readonly ofMatrix?: (matrix: ConfusionMatrix) => Scores;
  readonly ofSets: (counts: SetCounts) => Scores;
}

/**
 * scikit-learn's averages. Of rows with one label: macro over the classes that occur, as a true class or a given one; micro
 * is the accuracy there. With several labels a row: macro over all labels, samples over rows, a row without true and given
 * labels being 0.
 */
const averages: readonly Average[] = [
  { name: "macro", ofMatrix: macroAverage, ofSets: (counts) => meanOver(counts, () => 1) },
  { name: "micro", ofSets: ({ hits, given, there }) => scoresOf(sum(hits), sum(given), sum(there)) },
  { name: "weighted", ofMatrix: weightedAverage, ofSets: (counts) => meanOver(counts, (c) => counts.there[c]!) },
  {
    name: "samples",
    ofSets: ({ rows, ofRows: { precision, recall, f1 } }) => ({
      precision: precision / rows,
      recall: recall / rows,
      f1: f1 / rows,
    }),
  },
];

const titles = { f1: "F1", precision: "precision", recall: "recall" } as const;

/** Averaged precision, recall and F1; a zero denominator gives 0 (scikit-learn's `zero_division=0`). */
export const averagedScores: readonly Metric[] = averages.flatMap(({ name, ofMatrix, ofSets }) =>
  (["f1", "precision", "recall"] as const).map((score): Metric => {
    const ofCounts =
      ofMatrix && ((matrix: ConfusionMatrix) => (matrix.total === 0 ? NO_ROWS : ofMatrix(matrix)[score]));
    return {
      name: `${name}_${score}`,
      title: `${name} ${titles[score]}`,
      ...(score === "f1" && { main: true }),
      ...(ofCounts && { ofMatrix: ofCounts }),
      ofSets: (counts) => (counts.rows === 0 ? NO_ROWS : ofSets(counts)[score]),
    };
  }),
);

function meanOver({ hits, given, there }: SetCounts, weightOf: (label: number) => number): Scores {
  const mean = { precision: 0, recall: 0, f1: 0 };
  let weights = 0;
  for (const label of hits.keys()) {
    const weight = weightOf(label);
    const scores = scoresOf(hits[label]!, given[label]!, there[label]!);
    weights += weight;
    mean.precision += weight * scores.precision;
    mean.recall += weight * scores.recall;
    mean.f1 += weight * scores.f1;
  }
  if (weights === 0) return mean;
  return { precision: mean.precision / weights, recall: mean.recall / weights, f1: mean.f1 / weights };
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
