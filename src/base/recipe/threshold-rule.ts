import { parse } from "yaml";
import { messageOf, UserError } from "../errors.ts";
import { threshold } from "./evaluation-schema.ts";
import type { ThresholdOptions } from "./recipe.ts";

/**
 * A rule for thresholds written as in a recipe, such as `{choose: cost, false_negative: 5}`, or by its name alone (`f1`).
 * @param option what it was written as, for errors
 * @throws UserError when it is none
 */
export function parseThresholdRule(text: string, option: string): ThresholdOptions {
  try {
    const written: unknown = parse(text);
    return threshold.parse(typeof written === "string" ? { choose: written } : written);
  } catch (error) {
    throw new UserError({
      code: "threshold/invalid",
      message: `${option} ${text}: ${problemOf(error)}`,
      fix: "write f1, recall_at_precision, cost, or options as {choose: recall_at_precision, min_precision: 0.9}",
      cause: error,
    });
  }
}

/** zod's first finding, or what the YAML parser says. */
function problemOf(error: unknown): string {
  const issue = (
    error as { readonly issues?: readonly { readonly path: readonly unknown[]; readonly message: string }[] }
  ).issues?.[0];
  if (issue === undefined) return messageOf(error).split("\n")[0]!;
  return issue.path.length === 0 ? issue.message : `${issue.path.join(".")}: ${issue.message}`;
}
