/**
 * What the labels of a classifier mean to whoever gets a finding: title, severity, what to do. Tools other than Fettle
 * have rules; a taxonomy says which class each belongs to.
 */
export interface Taxonomy {
  readonly version: 1;
  readonly classes: readonly TaxonomyClass[];
  /** Rules that belong to no class on purpose, by the tool's name. */
  readonly leftOut: RulesByTool;
}

export interface TaxonomyClass {
  /** The label. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** What can happen. */
  readonly why: string;
  /** What to do about it, as one or two sentences. */
  readonly fix: string;
  readonly severity: Severity;
  /** What is wrong is that something is missing, so that no line shows it. */
  readonly absence?: boolean | undefined;
  /** Such as `CWE-250`. */
  readonly cwe: readonly string[];
  /** Rule ids of each tool, by the tool's name. */
  readonly rules: RulesByTool;
}

export type RulesByTool = Readonly<Record<string, readonly string[]>>;

/** From the least to the gravest. */
export const SEVERITIES = ["low", "medium", "high", "critical"] as const;

export type Severity = (typeof SEVERITIES)[number];
