import { thresholdCounts } from "../curves/threshold-counts.ts";
import type { ScoreTable } from "../score-table.ts";
import { averagePrecisionOf } from "./average-precision.ts";
import { rocAucOf } from "./roc-auc.ts";

/** How well a label is told from the rest; null where no row is of it, or every row. */
export interface LabelAreas {
  readonly rocAuc: number | null;
  readonly averagePrecision: number | null;
}

/** [labels] undefined where scores were too many to be kept */
export function labelAreas(scores: ScoreTable): readonly LabelAreas[] | undefined {
  if (scores.full) return undefined;
  return Array.from({ length: scores.labels }, (_, label) => {
    const counts = thresholdCounts(scores.truth(label), scores.column(label));
    const rocAuc = rocAucOf(counts) ?? null;
    return { rocAuc, averagePrecision: rocAuc === null ? null : averagePrecisionOf(counts) };
  });
}
