/** A taxonomy file into checked classes, each with its rules by tool. */
import { UserError, UserErrors } from "../errors.ts";
import { suggestName } from "../names.ts";
import { describeIssue } from "../recipe/issues.ts";
import { readRecipeText } from "../recipe/load.ts";
import { RecipeSource } from "../recipe/source.ts";
import type { RulesByTool, Taxonomy } from "./taxonomy.ts";
import { type TaxonomyCheck, type TaxonomyFile, taxonomyKeys, taxonomySchema } from "./taxonomy-schema.ts";

/** More mistakes than this are another kind of file. */
const MAX_ERRORS = 50;

/**
 * @throws UserErrors with every mistake of the file: unknown keys, tools that are not among its sources, classes that
 * are there twice, rules that are in two places
 */
export function loadTaxonomy(path: string): Taxonomy {
  const source = RecipeSource.parse(readRecipeText(path, "taxonomy"), path, "taxonomy");
  const data = source.toData();
  const parsed = taxonomySchema.safeParse(data);
  const errors = parsed.success
    ? findMistakes(parsed.data, source)
    : parsed.error.issues.flatMap((issue) =>
        issue.code === "unrecognized_keys"
          ? issue.keys.map((key) =>
              mistake(
                "unknown-key",
                `unknown key ${key}`,
                source.where([...issue.path, key], "key"),
                suggestName(key, taxonomyKeys(issue.path)),
              ),
            )
          : describeIssue(issue, data, source),
      );
  if (errors.length > 0 || !parsed.success) {
    throw new UserErrors("taxonomy/invalid", `${path} cannot be used`, errors.slice(0, MAX_ERRORS));
  }
  return {
    version: 1,
    classes: parsed.data.classes.map(({ checks, ...rest }) => ({ ...rest, rules: rulesOf(checks) })),
    leftOut: rulesOf(parsed.data.left_out.checks),
  };
}

function mistake(kind: string, message: string, where: string, fix?: string): UserError {
  return new UserError({ code: `taxonomy/${kind}`, message, where, fix });
}

function toolsOf({ name: _name, title: _title, ...tools }: TaxonomyCheck): (readonly [string, readonly string[]])[] {
  return Object.entries(tools).flatMap(([tool, rules]) => (typeof rules === "string" ? [] : [[tool, rules] as const]));
}

function rulesOf(checks: readonly TaxonomyCheck[]): RulesByTool {
  const rules: Record<string, string[]> = {};
  for (const check of checks) {
    for (const [tool, ids] of toolsOf(check)) rules[tool] = [...(rules[tool] ?? []), ...ids];
  }
  return rules;
}

function findMistakes(file: TaxonomyFile, source: RecipeSource): UserError[] {
  const errors: UserError[] = [];
  const tools = file.sources.map(({ tool }) => tool);
  const places = new Map<string, string>();
  const checks = new Set<string>();
  const classes = new Set<string>();
  file.classes.forEach(({ name }, i) => {
    const where = source.where(["classes", i, "name"]);
    if (classes.has(name)) errors.push(mistake("class-twice", `class ${name} is there twice`, where));
    classes.add(name);
  });
  const sections = [
    ...file.classes.map(({ name, checks }, i) => ({ name, checks, path: ["classes", i, "checks"] })),
    { name: "left_out", checks: file.left_out.checks, path: ["left_out", "checks"] },
  ];
  for (const section of sections) {
    section.checks.forEach((check, at) => {
      const path = [...section.path, at];
      if (checks.has(check.name)) {
        errors.push(mistake("check-twice", `check ${check.name} is there twice`, source.where([...path, "name"])));
      }
      checks.add(check.name);
      for (const [tool, rules] of toolsOf(check)) {
        if (!tools.includes(tool)) {
          const where = source.where([...path, tool], "key");
          errors.push(mistake("unknown-tool", `no tool of sources is called ${tool}`, where, suggestName(tool, tools)));
        }
        rules.forEach((rule, place) => {
          const where = source.where([...path, tool, place]);
          const first = places.get(`${tool} ${rule}`);
          if (first !== undefined) {
            const message = `rule ${rule} of ${tool} is in ${first} and in ${section.name}`;
            errors.push(mistake("rule-twice", message, where, "a rule belongs to one class: remove one of the two"));
          }
          places.set(`${tool} ${rule}`, section.name);
        });
      }
    });
  }
  return errors;
}
