import { rocArea, stepArea } from "./curves/areas.ts";
import { thresholdCounts } from "./curves/threshold-counts.ts";
import type { ScoreTable } from "./score-table.ts";

/** How well a label is told from the rest. */
export interface LabelAreas {
  /** Rows of the label. */
  readonly rows: number;
  /** Undefined where no row is of it, or every row. */
  readonly rocAuc: number | undefined;
  readonly averagePrecision: number;
}

/** Sorting a label's scores is most of the work: it is done once for all who ask. */
const known = new WeakMap<ScoreTable, { readonly rows: number; readonly areas: readonly LabelAreas[] }>();

/** [labels] */
export function labelAreas(scores: ScoreTable): readonly LabelAreas[] {
  const before = known.get(scores);
  if (before?.rows === scores.rows) return before.areas;
  const areas = Array.from({ length: scores.labels }, (_, label) => {
    const counts = thresholdCounts(scores.truth(label), scores.column(label));
    return { rows: counts.positives, rocAuc: rocArea(counts), averagePrecision: stepArea(counts) };
  });
  known.set(scores, { rows: scores.rows, areas });
  return areas;
}

/** As an evaluation has it; null where it is not defined. */
export function tellsApart({ rocAuc, averagePrecision }: LabelAreas): {
  readonly rocAuc: number | null;
  readonly averagePrecision: number | null;
} {
  return rocAuc === undefined ? { rocAuc: null, averagePrecision: null } : { rocAuc, averagePrecision };
}
