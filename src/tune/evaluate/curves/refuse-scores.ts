import { UserError } from "../../../base/errors.ts";

/** @throws UserError for a score that is not finite, and for lists of different lengths */
export function refuseScores(targets: ArrayLike<unknown>, scores: ArrayLike<number>): void {
  if (targets.length !== scores.length) {
    throw new UserError({
      code: "evaluate/lengths",
      message: `there are ${targets.length} targets and ${scores.length} scores`,
      fix: "give one score for each target",
    });
  }
  for (let row = 0; row < scores.length; row++) {
    if (Number.isFinite(scores[row]!)) continue;
    throw new UserError({
      code: "evaluate/not-a-number",
      message: `the score of row ${row + 1} is ${scores[row]}`,
      fix: "leave the row out, or mend what scored it",
    });
  }
}
