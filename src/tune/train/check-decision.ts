import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import type { EvaluationOptions } from "../../base/recipe/recipe.ts";
import type { OptionPath } from "../../base/recipe/source.ts";

type Options = Pick<EvaluationOptions, "positive_label" | "calibration" | "threshold">;

/**
 * Whether calibration and thresholds are possible with these labels.
 * @param labels undefined where there are none
 * @param where an option was written
 * @throws UserError when they are not
 */
export function checkDecision(
  { positive_label: positive, calibration, threshold }: Options,
  labels: readonly string[] | undefined,
  multiLabel: boolean,
  where: (path: OptionPath) => string | undefined,
): void {
  const place = (...path: string[]): string | undefined => where(["evaluation", ...path]);
  if (labels === undefined) {
    if (positive === null && calibration === null && threshold === null) return;
    const option = calibration !== null ? "calibration" : threshold !== null ? "threshold" : "positive_label";
    throw new UserError({
      code: "evaluation/no-labels",
      message: `${option} is about labels, and the data has none`,
      where: place(option),
      fix: "remove it, or name the label's field in data.columns",
    });
  }
  if (positive !== null) refuseUnknown(positive, labels, place("positive_label"));
  if (positive !== null && labels.length !== 2) {
    throw new UserError({
      code: "evaluation/positive-label",
      message: `positive_label is for two labels, and there are ${labels.length}`,
      where: place("positive_label"),
      fix: "remove it",
    });
  }
  if (threshold === null) return;
  const { choose, cost_matrix: matrix } = threshold;
  if (!multiLabel && labels.length > 2 && (choose !== "cost" || matrix === null)) {
    throw new UserError({
      code: "evaluation/threshold",
      message: `a threshold is for two labels or several labels a row, and there are ${labels.length} labels, one a row`,
      where: place("threshold"),
      fix: "remove it, or take choose cost with a cost_matrix",
    });
  }
  for (const [truth, row] of Object.entries(matrix ?? {})) {
    for (const name of [truth, ...Object.keys(row)]) refuseUnknown(name, labels, place("threshold", "cost_matrix"));
  }
}

function refuseUnknown(name: string, labels: readonly string[], where: string | undefined): void {
  if (labels.includes(name)) return;
  throw new UserError({
    code: "evaluation/unknown-label",
    message: `"${name}" is none of the labels`,
    where,
    fix: suggestName(name, labels),
  });
}
