import type { z } from "zod";
import { UserError } from "../errors.ts";
import { suggestName } from "../names.ts";
import { type JsonSchema, optionNames } from "./json-schema.ts";
import type { OptionPath, RecipeSource } from "./source.ts";

/**
 * A finding of the schema as errors for a person: one per unknown key, with its place and what would be right.
 * @param schema the same as JSON Schema, which knows the names; default: a recipe's
 */
export function describeIssue(
  issue: z.core.$ZodIssue,
  data: unknown,
  source: RecipeSource,
  schema?: JsonSchema,
): readonly UserError[] {
  if (issue.code === "unrecognized_keys") {
    const names = optionNames(issue.path, schema);
    return issue.keys.map(
      (key) =>
        new UserError({
          code: "recipe/unknown-key",
          message: `unknown option ${dotted([...issue.path, key])}`,
          where: source.where([...issue.path, key], "key"),
          fix: suggestName(key, names),
        }),
    );
  }
  const value = valueAt(data, issue.path);
  if (value === undefined && issue.path.length > 0) {
    const message = `${dotted(issue.path)} is missing`;
    return [new UserError({ code: "recipe/missing", message, where: source.where(issue.path) })];
  }
  return [
    new UserError({
      code: "recipe/invalid-value",
      message: `${dotted(issue.path)}: ${expectation(issue)}, got ${shorten(JSON.stringify(value) ?? String(value))}`,
      where: source.where(issue.path),
      ...(issue.code === "invalid_value" && typeof value === "string"
        ? { fix: suggestName(value, issue.values.map(String)) }
        : {}),
    }),
  ];
}

/** What was expected, in our words where zod's name its own concepts. */
function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${typeNames[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `expected ${issue.values.map(String).join(" or ")}`;
    case "too_small":
    case "too_big": {
      const least = issue.code === "too_small";
      const limit = least ? issue.minimum : issue.maximum;
      const sized = issue.origin === "string" ? " characters" : issue.origin === "array" ? " entries" : "";
      const relation = least ? (issue.inclusive ? "at least" : "more than") : issue.inclusive ? "at most" : "less than";
      return `expected ${relation} ${limit}${sized}`;
    }
    default:
      return issue.message;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  object: "a map of options",
  record: "a map",
  array: "a list",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

/** The value at a path of own properties, undefined when there is none. */
export function valueAt(data: unknown, path: OptionPath): unknown {
  let value: unknown = data;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** `data.train[0]` */
export function dotted(path: OptionPath): string {
  return path.map((key, i) => (typeof key === "number" ? `[${key}]` : `${i === 0 ? "" : "."}${String(key)}`)).join("");
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
