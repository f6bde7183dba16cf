import { classScores, type Scores, scoresOf } from "./class-scores.ts";
import type { ConfusionMatrix } from "./confusion-matrix.ts";

/**
 * Plain mean over the classes that occur, as a true class or as a prediction: scikit-learn's `average="macro"`
 * without `labels`. A class that nobody has and nobody predicts has no score to average.
 */
export function macroAverage(matrix: ConfusionMatrix): Scores {
  return weightedMean(matrix, (c) => (matrix.support(c) + matrix.predictions(c) > 0 ? 1 : 0));
}

/** Mean over the classes, each weighted by its number of rows (`average="weighted"`). */
export function weightedAverage(matrix: ConfusionMatrix): Scores {
  return weightedMean(matrix, (c) => matrix.support(c));
}

/** Scores of the counts summed over all classes (`average="micro"`): with one label a row, each is the accuracy. */
export function microAverage(matrix: ConfusionMatrix): Scores {
  let truePositives = 0;
  for (let c = 0; c < matrix.classes; c++) truePositives += matrix.truePositives(c);
  return scoresOf(truePositives, matrix.total, matrix.total);
}

function weightedMean(matrix: ConfusionMatrix, weightOf: (c: number) => number): Scores {
  let weights = 0;
  let precision = 0;
  let recall = 0;
  let f1 = 0;
  for (let c = 0; c < matrix.classes; c++) {
    const weight = weightOf(c);
    if (weight === 0) continue;
    const scores = classScores(matrix, c);
    weights += weight;
    precision += weight * scores.precision;
    recall += weight * scores.recall;
    f1 += weight * scores.f1;
  }
  if (weights === 0) return { precision: 0, recall: 0, f1: 0 };
  return { precision: precision / weights, recall: recall / weights, f1: f1 / weights };
}
