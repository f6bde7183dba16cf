/** What a classifier is for, so that its folder is all that a scan needs: which files, in which pieces, and what labels mean. */
import { UserError, UserErrors } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { ScanOptions } from "../../base/recipe/recipe.ts";
import { loadTaxonomy } from "../../base/taxonomy/load-taxonomy.ts";
import { SEVERITIES, type Severity, type TaxonomyClass } from "../../base/taxonomy/taxonomy.ts";
import { languageEndings, languageOf } from "../data/units/languages.ts";
import type { Choose } from "./fit-recipe.ts";

/** In `classifier.json`. */
export interface ScanSettings {
  /** Patterns; see `scan.files` of a recipe. */
  readonly files: readonly string[];
  /** What is scored: whole files, or their functions one by one. */
  readonly unit: ScanOptions["unit"];
  /** What stands in place of a row's text; holds `{text}`. */
  readonly text: string;
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
  /** What is wrong is that something is missing, so that no line shows it. */
  readonly absence?: boolean | undefined;
  readonly cwe: readonly string[];
}

/** A label of which no taxonomy says anything. */
export function plainRule(label: string): ScanRule {
  return { label, title: label, description: "", fix: "", severity: "medium", cwe: [] };
}

/**
 * As the recipe says, with what its taxonomy says of the labels; null where it names no files.
 * @param labels of the classifier; undefined where it is none
 * @throws UserErrors for labels that the taxonomy does not have, and names that are no labels
 */
export function scanSettingsOf(
  { recipe, where }: LoadedRecipe,
  labels: readonly string[] | undefined,
  choose: Choose,
): ScanSettings | null {
  const { files, unit, text, taxonomy, clean: named } = recipe.scan;
  if (files === null) return null;
  if (labels === undefined) {
    throw new UserError({
      code: "scan/no-labels",
      message: "a model that finds no labels scans no files",
      where: where(["scan"]),
      fix: "remove the section, or name the label's field in data.columns",
    });
  }
  const errors: UserError[] = [];
  if (unit === "function") errors.push(...withoutParser(files, where(["scan", "files"])));
  for (const name of named ?? [])
    if (!labels.includes(name)) errors.push(unknown(name, labels, where(["scan", "clean"])));
  const multiLabel = recipe.problem_type === "multi_label_classification";
  const clean = named ?? cleanLabels(labels, multiLabel, recipe.evaluation.positive_label);
  if (named === null && !multiLabel) choose(["scan", "clean"], clean, reasonOf(clean));
  const found = labels.filter((label) => !clean.includes(label));
  const classes = new Map(taxonomy === null ? [] : loadTaxonomy(taxonomy).classes.map((one) => [one.name, one]));
  const rules = found.map((label) => {
    const known = classes.get(label);
    if (known !== undefined) return ruleOf(known);
    if (taxonomy !== null) errors.push(absent(label, [...classes.keys()], where(["scan", "taxonomy"])));
    return plainRule(label);
  });
  if (errors.length > 0) throw new UserErrors("scan/invalid", "the scan section cannot be used", errors);
  return { files, unit, text, clean, rules };
}

/** @param positive null: the second of two */
export function cleanLabels(
  labels: readonly string[],
  multiLabel: boolean,
  positive: string | null | undefined,
): readonly string[] {
  if (multiLabel || labels.length !== 2) return [];
  return [labels[0] === positive ? labels[1]! : labels[0]!];
}

/** Why these labels are taken for clean. */
export function reasonOf(clean: readonly string[]): string {
  return clean.length > 0 ? "of two labels, the one that is not the positive" : "every label is something found";
}

function ruleOf({ name, title, description, fix, severity, absence, cwe }: TaxonomyClass): ScanRule {
  return { label: name, title, description, fix, severity, ...(absence && { absence }), cwe };
}

function withoutParser(files: readonly string[], where: string): UserError[] {
  const wanted = files.filter((pattern) => !pattern.startsWith("!") && languageOf(pattern) === undefined);
  return wanted.map(
    (pattern) =>
      new UserError({
        code: "scan/no-parser",
        message: `files such as ${pattern} cannot be split into functions`,
        where,
        fix: `take unit: file, or patterns that end in ${languageEndings.join(" or ")}`,
      }),
  );
}

function unknown(name: string, labels: readonly string[], where: string): UserError {
  const fix = suggestName(name, labels);
  return new UserError({ code: "scan/unknown-label", message: `"${name}" is none of the labels`, where, fix });
}

function absent(label: string, classes: readonly string[], where: string): UserError {
  return new UserError({
    code: "scan/no-class",
    message: `the taxonomy has no class for the label "${label}"`,
    where,
    fix: `add it, or name the label in scan.clean; ${suggestName(label, classes)}`,
  });
}

/** Whether something read from a file is of this form. */
export function isScanSettings(value: unknown): value is ScanSettings {
  const { files, unit, text, clean, rules } = (value ?? {}) as Partial<ScanSettings>;
  return (
    isTexts(files) &&
    (unit === "file" || unit === "function") &&
    isTexts(clean) &&
    isTexts([text]) &&
    Array.isArray(rules) &&
    rules.every(isRule)
  );
}

function isRule(value: unknown): value is ScanRule {
  const { label, title, description, fix, severity, absence = false, cwe } = (value ?? {}) as Partial<ScanRule>;
  const plain = isTexts([label, title, description, fix]) && typeof absence === "boolean";
  return plain && SEVERITIES.includes(severity!) && isTexts(cwe);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
