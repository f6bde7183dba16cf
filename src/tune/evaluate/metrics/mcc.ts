import { type Metric, NO_ROWS } from "../metric.ts";

/**
 * Matthews correlation coefficient: of two classes Matthews's (1975), of more Gorodkin's R_K (2004); scikit-learn's
 * `matthews_corrcoef`. With s rows, c of them right, t_k true and p_k predicted of class k:
 *
 *     (c s - Σ p_k t_k) / √((s² - Σ p_k²) (s² - Σ t_k²))
 *
 * 0, as there, where the rows or the predictions are all of one class.
 */
export const mcc: Metric = {
  name: "mcc",
  title: "MCC",
  unit: "plain",
  main: true,
  ofMatrix(matrix) {
    const { total, classes } = matrix;
    if (total === 0) return NO_ROWS;
    let [right, both, given, there] = [0, 0, 0, 0];
    for (let c = 0; c < classes; c++) {
      right += matrix.truePositives(c);
      both += matrix.predictions(c) * matrix.support(c);
      given += matrix.predictions(c) ** 2;
      there += matrix.support(c) ** 2;
    }
    const spread = (total ** 2 - given) * (total ** 2 - there);
    return spread === 0 ? 0 : (right * total - both) / Math.sqrt(spread);
  },
};
