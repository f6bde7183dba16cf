import { UserError } from "../../base/errors.ts";

/** @param before rows that were numbers */
export function notANumber(before: number): UserError {
  return new UserError({
    code: "evaluate/not-a-number",
    message: `the model gives no probabilities (NaN) for row ${before + 1}`,
    fix: "its weights have diverged: train again with a lower learning rate or gradient clipping",
  });
}

export function noRows(): UserError {
  return new UserError({
    code: "evaluate/no-rows",
    message: "there is no row to evaluate on",
    fix: "check the data file with `fettle inspect`",
  });
}
