import { UserError, UserErrors } from "../../../base/errors.ts";
import { suggestName } from "../../../base/names.ts";
import type { Severity } from "../../../base/taxonomy/taxonomy.ts";
import type { Decision } from "../../../tune/score/decision.ts";
import type { ScanRule } from "../../../tune/train/scan-settings.ts";

/** What a repository says in place of the model, by label. */
export interface Overrides {
  readonly severities: Readonly<Record<string, Severity>>;
  readonly thresholds: Readonly<Record<string, number>>;
  /** Where one was written. */
  readonly where: (path: readonly PropertyKey[]) => string;
}

/**
 * Rules and decision as the overrides want them.
 * @param labels in the decision's order
 * @throws UserErrors naming every label that is none of the model's, and thresholds that a decision has no use for
 */
export function override(
  labels: readonly string[],
  rules: readonly ScanRule[],
  decision: Decision,
  { severities, thresholds, where }: Overrides,
): { readonly rules: readonly ScanRule[]; readonly decision: Decision } {
  const found = rules.map(({ label }) => label);
  const { multiLabel, positive, costs } = decision;
  const withThreshold = multiLabel ? found : positive === undefined || costs !== undefined ? [] : [labels[positive]!];
  const errors = [
    ...Object.keys(severities).flatMap((label) =>
      found.includes(label) ? [] : unknown(label, found, where(["severity", label])),
    ),
    ...Object.keys(thresholds).flatMap((label) =>
      withThreshold.includes(label) ? [] : noThreshold(label, found, withThreshold, where(["thresholds", label])),
    ),
  ];
  if (errors.length > 0) throw new UserErrors("scan/bad-override", "labels are not those of the model", errors);
  const own = (map: Readonly<Record<string, number>>, label: string): number | undefined =>
    Object.hasOwn(map, label) ? map[label] : undefined;
  return {
    rules: rules.map((rule) =>
      Object.hasOwn(severities, rule.label) ? { ...rule, severity: severities[rule.label]! } : rule,
    ),
    decision: multiLabel
      ? { ...decision, thresholds: labels.map((label, i) => own(thresholds, label) ?? decision.thresholds[i]!) }
      : { ...decision, threshold: own(thresholds, labels[positive ?? 0]!) ?? decision.threshold },
  };
}

function unknown(label: string, labels: readonly string[], where: string): UserError {
  const message = `"${label}" is no label that the model finds`;
  return new UserError({ code: "scan/unknown-label", message, where, fix: suggestName(label, labels) });
}

function noThreshold(label: string, found: readonly string[], labels: readonly string[], where: string): UserError {
  if (!found.includes(label)) return unknown(label, found, where);
  return new UserError({
    code: "scan/no-threshold",
    message: `"${label}" has no threshold: the model gives each text the most probable label, or the one of the least cost`,
    where,
    fix: labels.length === 0 ? "remove it" : `thresholds are of ${labels.join(", ")}`,
  });
}
