import { labelAreas } from "../label-areas.ts";
import { type Metric, NO_ROWS } from "../metric.ts";

/**
 * scikit-learn's `average_precision_score`, often called PR AUC (`stepArea`). Of two labels that of the positive one; of more the mean over labels, each against the rest,
 * which with several labels a row is mAP. A label without rows counts 0, as scikit-learn has it for several labels a row.
 */
export const averagePrecision: Metric = {
  name: "average_precision",
  title: "average precision (PR AUC)",
  main: true,
  ofScores(scores, positive) {
    if (scores.rows === 0) return NO_ROWS;
    const areas = labelAreas(scores);
    if (positive !== undefined) return areas[positive]!.averagePrecision;
    return areas.reduce((sum, { averagePrecision }) => sum + averagePrecision, 0) / scores.labels;
  },
};
