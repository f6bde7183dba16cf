/** What a classifier is for, so that its folder is all that a scan needs: which files, in which pieces, and what labels mean. */
import { SEVERITIES, type Severity } from "../../base/taxonomy/taxonomy.ts";

/** In `classifier.json`. */
export interface ScanSettings {
  /** Patterns; see `scan.files` of a recipe. */
  readonly files: readonly string[];
  /** What is scored: whole files, or their functions one by one. */
  readonly unit: "file" | "function";
  /** Labels that say that nothing was found. */
  readonly clean: readonly string[];
  /** What the labels mean, those of `clean` left out. */
  readonly rules: readonly ScanRule[];
}

/** A label as a rule: from the taxonomy where there is one. */
export interface ScanRule {
  readonly label: string;
  readonly title: string;
  readonly description: string;
  /** What to do; empty where it is not known. */
  readonly fix: string;
  readonly severity: Severity;
  readonly cwe: readonly string[];
}

/** A label of which no taxonomy says anything. */
export function plainRule(label: string): ScanRule {
  return { label, title: label, description: "", fix: "", severity: "medium", cwe: [] };
}

/** Whether something read from a file is of this form. */
export function isScanSettings(value: unknown): value is ScanSettings {
  const { files, unit, clean, rules } = (value ?? {}) as Partial<ScanSettings>;
  return (
    isTexts(files) &&
    (unit === "file" || unit === "function") &&
    isTexts(clean) &&
    Array.isArray(rules) &&
    rules.every(isRule)
  );
}

function isRule(value: unknown): value is ScanRule {
  const { label, title, description, fix, severity, cwe } = (value ?? {}) as Partial<ScanRule>;
  return isTexts([label, title, description, fix]) && SEVERITIES.includes(severity!) && isTexts(cwe);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
