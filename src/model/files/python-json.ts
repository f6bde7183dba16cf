import { isJsonObject, type JsonValue } from "./json-file.ts";

/**
 * JSON as Python's `json.dumps(value, indent=2, sort_keys=True)` lays it out. transformers checks the types of config
 * fields strictly, so a float must stay spelled as one: `50.0`, never `50`.
 * @param floatKeys keys whose numbers are floats, at any depth.
 */
export function formatPythonJson(value: JsonValue, floatKeys: ReadonlySet<string> = new Set()): string {
  return format(value, "", false, floatKeys);
}

function format(value: JsonValue, indent: string, isFloat: boolean, floatKeys: ReadonlySet<string>): string {
  if (typeof value === "number") return formatNumber(value, isFloat);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    const items = value.map((item) => inner + format(item, inner, isFloat, floatKeys));
    return `[\n${items.join(",\n")}\n${indent}]`;
  }
  if (isJsonObject(value)) {
    const keys = Object.keys(value).sort();
    if (keys.length === 0) return "{}";
    const items = keys.map(
      (key) => `${inner}${JSON.stringify(key)}: ${format(value[key]!, inner, floatKeys.has(key), floatKeys)}`,
    );
    return `{\n${items.join(",\n")}\n${indent}}`;
  }
  return JSON.stringify(value);
}

/** Python's `repr`: an integral float ends in `.0`; below 1e-4 the exponent has two digits. */
function formatNumber(value: number, isFloat: boolean): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e16) return isFloat ? `${value}.0` : `${value}`;
  if (Math.abs(value) >= 1e-4 && Math.abs(value) < 1e16) return `${value}`;
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}
