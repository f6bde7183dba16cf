import type { ConfusionMatrix } from "./confusion-matrix.ts";

export interface Scores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/**
 * Precision tp/(tp+fp), recall tp/(tp+fn) and F1 2tp/(2tp+fp+fn). A zero denominator gives 0, as scikit-learn's
 * `zero_division` does by default.
 */
export function scoresOf(truePositives: number, predictions: number, support: number): Scores {
  return {
    precision: ratio(truePositives, predictions),
    recall: ratio(truePositives, support),
    f1: ratio(2 * truePositives, predictions + support),
  };
}

/** Scores of class `c` against all others. */
export function classScores(matrix: ConfusionMatrix, c: number): Scores {
  return scoresOf(matrix.truePositives(c), matrix.predictions(c), matrix.support(c));
}

function ratio(numerator: number, denominator: number): number {
  return denominator === 0 ? 0 : numerator / denominator;
}
