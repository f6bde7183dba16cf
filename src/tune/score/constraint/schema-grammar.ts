/** JSON Schema (draft 2020-12, as far as it is supported) as the texts of the values that it allows. */
import { UserError } from "../../../base/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../model/files/json-file.ts";
import { choice, type Expression, literal } from "./grammar.ts";
import { anyObject, anyValue, boolean, integer, list, MAX_DEPTH, number, object, string } from "./json-grammar.ts";

/** Keywords that say nothing about values. */
const annotations = new Set([
  "$schema",
  "$id",
  "$comment",
  "$defs",
  "definitions",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
]);

/** Keywords by the types whose values they are about. */
const keywordsOf: Readonly<Record<string, readonly string[]>> = {
  object: ["properties", "required", "additionalProperties"],
  array: ["items"],
  string: [],
  number: [],
  integer: [],
  boolean: [],
  null: [],
};

/** Parts of a schema that are made into expressions, a part once for each depth; and schemas inside each other. */
const MAX_PARTS = 20_000;
const MAX_NESTING = 200;

/**
 * Values that are nested deeper than `MAX_DEPTH` are left out, so that every text comes to an end.
 * @throws UserError when the schema uses what is not supported, naming it, or no value fits it
 */
export function schemaGrammar(schema: JsonValue): Expression {
  const grammar = new SchemaReader(schema).expression(schema, MAX_DEPTH, "#", 0);
  if (grammar !== undefined) return grammar;
  throw refused("#", `no value fits it that is nested at most ${MAX_DEPTH} deep`, "mend the schema");
}

class SchemaReader {
  readonly #root: JsonValue;
  readonly #made = new Map<JsonObject, Map<number, Expression | "being made" | "nothing">>();
  #parts = 0;

  constructor(root: JsonValue) {
    this.#root = root;
  }

  /** @param depth objects and lists that may still be opened @returns undefined where no value fits */
  expression(schema: JsonValue, depth: number, where: string, nesting: number): Expression | undefined {
    if (schema === true) return anyValue(depth);
    if (schema === false) return undefined;
    if (!isJsonObject(schema)) throw refused(where, "it is no schema: an object, true or false", "mend the schema");
    const byDepth = this.#made.get(schema) ?? new Map<number, Expression | "being made" | "nothing">();
    this.#made.set(schema, byDepth);
    const known = byDepth.get(depth);
    if (known === "being made") throw refused(where, "it refers to itself without end", "mend the $ref");
    if (known !== undefined) return known === "nothing" ? undefined : known;
    if (++this.#parts > MAX_PARTS || nesting > MAX_NESTING) {
      throw refused(where, "the schema is too large", "make it smaller, or nest it less");
    }
    byDepth.set(depth, "being made");
    const made = this.#make(schema, depth, where, nesting + 1);
    byDepth.set(depth, made ?? "nothing");
    return made;
  }

  #make(schema: JsonObject, depth: number, where: string, nesting: number): Expression | undefined {
    const keywords = Object.keys(schema).filter((keyword) => !annotations.has(keyword));
    const alone = (keyword: string): void => refuseOthers(keywords, [keyword], where);
    if (schema.$ref !== undefined) {
      alone("$ref");
      return this.expression(this.#resolve(schema.$ref, where), depth, `${where}/$ref`, nesting);
    }
    if (schema.anyOf !== undefined) {
      alone("anyOf");
      if (!Array.isArray(schema.anyOf)) throw refused(`${where}/anyOf`, "it is no list of schemas", "mend the schema");
      return any(schema.anyOf.map((option, i) => this.expression(option, depth, `${where}/anyOf/${i}`, nesting)));
    }
    if (schema.const !== undefined || schema.enum !== undefined) {
      refuseOthers(keywords, ["const", "enum", "type"], where);
      return fixedValues(schema, where);
    }
    const types = typesOf(schema, where);
    refuseOthers(keywords, ["type", ...types.flatMap((type) => keywordsOf[type]!)], where);
    if (schema.type === undefined && keywords.length === 0) return anyValue(depth);
    return any(types.map((type) => this.#ofType(type, schema, depth, where, nesting)));
  }

  #ofType(type: string, schema: JsonObject, depth: number, where: string, nesting: number): Expression | undefined {
    switch (type) {
      case "string":
        return string;
      case "number":
        return number;
      case "integer":
        return integer;
      case "boolean":
        return boolean;
      case "null":
        return literal("null");
      case "array": {
        if (depth === 0) return undefined;
        return list(this.expression(schema.items ?? true, depth - 1, `${where}/items`, nesting));
      }
      default:
        return depth === 0 ? undefined : this.#object(schema, depth, where, nesting);
    }
  }

  #object(schema: JsonObject, depth: number, where: string, nesting: number): Expression | undefined {
    const { properties = {}, required = [], additionalProperties } = schema;
    if (!isJsonObject(properties)) throw refused(`${where}/properties`, "it is no object", "mend the schema");
    if (!Array.isArray(required) || required.some((name) => typeof name !== "string")) {
      throw refused(`${where}/required`, "it is no list of names", "mend the schema");
    }
    if (additionalProperties !== undefined && typeof additionalProperties !== "boolean") {
      throw refused(`${where}/additionalProperties`, "a schema is not supported here", "set it to false");
    }
    const unknown = required.find((name) => !Object.hasOwn(properties, name as string));
    if (unknown !== undefined) {
      throw refused(`${where}/required`, `"${unknown}" is not in properties`, "say in properties what it is");
    }
    const names = Object.keys(properties);
    if (names.length === 0 && additionalProperties !== false) return anyObject(depth);
    const members = names.map((name) => {
      const value = this.expression(properties[name]!, depth - 1, `${where}/properties/${name}`, nesting);
      return { name, value, required: required.includes(name) };
    });
    if (members.some((member) => member.required && member.value === undefined)) return undefined;
    return object(members.flatMap(({ value, ...member }) => (value === undefined ? [] : [{ ...member, value }])));
  }

  /** RFC 6901. */
  #resolve(reference: JsonValue, where: string): JsonValue {
    if (typeof reference !== "string" || !/^#(\/|$)/.test(reference)) {
      throw refused(`${where}/$ref`, `${JSON.stringify(reference)} is not inside the schema`, 'write "#/$defs/NAME"');
    }
    let at: JsonValue | undefined = this.#root;
    for (const part of reference.split("/").slice(1)) {
      const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
      at = isJsonObject(at) && Object.hasOwn(at, name) ? at[name] : Array.isArray(at) ? at[Number(name)] : undefined;
    }
    if (at !== undefined) return at;
    throw refused(`${where}/$ref`, `there is no ${reference}`, "mend the $ref");
  }
}

/** Whichever of the options there is. */
function any(options: readonly (Expression | undefined)[]): Expression | undefined {
  const possible = options.filter((option) => option !== undefined);
  return possible.length === 0 ? undefined : choice(...possible);
}

function typesOf({ type, properties, items }: JsonObject, where: string): string[] {
  if (type === undefined) {
    if (properties !== undefined) return ["object"];
    return items === undefined ? Object.keys(keywordsOf).filter((name) => name !== "integer") : ["array"];
  }
  const types = Array.isArray(type) ? type : [type];
  const unknown = types.find((name) => typeof name !== "string" || !Object.hasOwn(keywordsOf, name));
  if (unknown === undefined) return types as string[];
  throw refused(
    `${where}/type`,
    `${JSON.stringify(unknown)} is no type`,
    `one of ${Object.keys(keywordsOf).join(", ")}`,
  );
}

/** Those of the listed values that have the type. */
function fixedValues(schema: JsonObject, where: string): Expression | undefined {
  const { const: only, enum: listed } = schema;
  if (listed !== undefined && !Array.isArray(listed))
    throw refused(`${where}/enum`, "it is no list", "mend the schema");
  const texts = new Set((listed ?? [only!]).map((value) => JSON.stringify(value)));
  const types = typesOf(schema, where);
  const fits = (text: string): boolean => {
    const value = JSON.parse(text) as JsonValue;
    return types.some((type) => isOfType(value, type)) && (only === undefined || text === JSON.stringify(only));
  };
  return any([...texts].filter(fits).map(literal));
}

function isOfType(value: JsonValue, type: string): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  return type === "object" ? isJsonObject(value) : typeof value === type;
}

function refuseOthers(keywords: readonly string[], supported: readonly string[], where: string): void {
  const other = keywords.find((keyword) => !supported.includes(keyword));
  if (other === undefined) return;
  const beside = supported[0] === "$ref" || supported[0] === "anyOf" ? ` beside ${supported[0]}` : "";
  throw refused(`${where}/${other}`, `"${other}" is not supported here${beside}`, "leave it out");
}

function refused(where: string, what: string, fix: string): UserError {
  return new UserError({ code: "constraint/schema", message: `the JSON schema at ${where}: ${what}`, fix });
}
