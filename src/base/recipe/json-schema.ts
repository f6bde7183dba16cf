import { z } from "zod";
import { recipeSchema } from "./schema.ts";

/** The part of JSON Schema that our schema produces and we read back. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly [key: string]: unknown;
}

/** JSON Schema (draft 2020-12) of a recipe as a person writes it: nothing but `base` is required. */
export const recipeJsonSchema: JsonSchema = z.toJSONSchema(recipeSchema, { io: "input" }) as JsonSchema;

/** Text of `recipes/recipe.schema.json`; editors take it from a `# yaml-language-server: $schema=` line. */
export function recipeJsonSchemaText(): string {
  return `${JSON.stringify(recipeJsonSchema, null, 2)}\n`;
}

/** Names of the options directly under a path, for suggestions; empty where names are free. */
export function optionNames(path: readonly PropertyKey[], schema: JsonSchema = recipeJsonSchema): readonly string[] {
  let schemas: readonly JsonSchema[] = [schema];
  for (const key of path) {
    schemas = schemas.flatMap(alternatives).flatMap((schema) => {
      const next = typeof key === "number" ? schema.items : schema.properties?.[String(key)];
      return next === undefined ? [] : [next];
    });
  }
  return schemas.flatMap(alternatives).flatMap((schema) => Object.keys(schema.properties ?? {}));
}

function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  return schema.anyOf === undefined ? [schema] : schema.anyOf.flatMap(alternatives);
}
