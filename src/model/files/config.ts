import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { writeFileAtomic } from "./atomic.ts";
import {
  describeJson,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJsonObject,
  readTextFile,
} from "./json-file.ts";
import { formatPythonJson } from "./python-json.ts";

const MAX_CONFIG_BYTES = 16 * 2 ** 20;

/**
 * A parsed config.json with getters that check. A key that is missing or null takes the default; without a default
 * that is an error, and so is a value of another type. Errors name the file and the key.
 */
export class ConfigJson {
  /** File, and the key for a section: what errors name. */
  readonly where: string;
  readonly json: Readonly<JsonObject>;
  /** Keys whose numbers the file spells as floats, so that writing keeps `50.0` from becoming `50`. */
  readonly floatKeys: ReadonlySet<string>;

  constructor(where: string, json: Readonly<JsonObject>, floatKeys: ReadonlySet<string> = new Set()) {
    this.where = where;
    this.json = json;
    this.floatKeys = floatKeys;
  }

  /** True when the key is there and not null. */
  has(key: string): boolean {
    return this.#value(key) !== undefined;
  }

  integer(key: string, fallback?: number): number {
    return this.#required(key, fallback, this.optionalInteger(key), "a whole number");
  }

  number(key: string, fallback?: number): number {
    return this.#required(key, fallback, this.optionalNumber(key), "a number");
  }

  boolean(key: string, fallback?: boolean): boolean {
    const value = this.#typed(key, "true or false", (found): found is boolean => typeof found === "boolean");
    return this.#required(key, fallback, value, "true or false");
  }

  string(key: string, fallback?: string): string {
    return this.#required(key, fallback, this.optionalString(key), "a string");
  }

  optionalInteger(key: string): number | undefined {
    return this.#typed(key, "a whole number", (found): found is number => Number.isSafeInteger(found));
  }

  optionalNumber(key: string): number | undefined {
    return this.#typed(key, "a number", (found): found is number => typeof found === "number");
  }

  optionalString(key: string): string | undefined {
    return this.#typed(key, "a string", (found): found is string => typeof found === "string");
  }

  /** A list of strings, e.g. `layer_types`. */
  optionalStrings(key: string): string[] | undefined {
    return this.#typed(
      key,
      "a list of strings",
      (found): found is string[] => Array.isArray(found) && found.every((item) => typeof item === "string"),
    );
  }

  /** A whole number or a list of them, e.g. `eos_token_id`; empty when missing. */
  integers(key: string): number[] {
    const value = this.#typed(
      key,
      "a whole number or a list of them",
      (found): found is number | number[] =>
        Number.isSafeInteger(found) || (Array.isArray(found) && found.every(Number.isSafeInteger)),
    );
    return value === undefined ? [] : typeof value === "number" ? [value] : value;
  }

  /** A nested object with the same getters, e.g. `text_config`. */
  optionalSection(key: string): ConfigJson | undefined {
    const value = this.#typed(key, "an object", isJsonObject);
    return value === undefined ? undefined : new ConfigJson(`${this.where}: ${key}`, value, this.floatKeys);
  }

  /** The same configuration with some keys replaced; `undefined` removes one. */
  with(changes: Readonly<Record<string, JsonValue | undefined>>): ConfigJson {
    const json: JsonObject = {};
    for (const [key, value] of Object.entries({ ...this.json, ...changes })) {
      if (value !== undefined) json[key] = value;
    }
    return new ConfigJson(this.where, json, this.floatKeys);
  }

  /** The error for a key whose value cannot be used. */
  wrong(key: string, expected: string): UserError {
    return new UserError({
      code: "config/wrong-value",
      message: `"${key}" must be ${expected}, it is ${describeJson(Object.hasOwn(this.json, key) ? this.json[key] : undefined)}`,
      where: this.where,
      fix: "correct the key, or download the file again",
    });
  }

  #value(key: string): JsonValue | undefined {
    return Object.hasOwn(this.json, key) ? (this.json[key] ?? undefined) : undefined;
  }

  #typed<T extends JsonValue>(key: string, expected: string, matches: (value: JsonValue) => value is T): T | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (matches(value)) return value;
    throw this.wrong(key, expected);
  }

  #required<T>(key: string, fallback: T | undefined, value: T | undefined, expected: string): T {
    if (value !== undefined) return value;
    if (fallback !== undefined) return fallback;
    throw this.wrong(key, expected);
  }
}

/**
 * Reads `config.json` of a checkpoint folder.
 * @throws UserError when it is missing, too large or not a JSON object.
 */
export function readConfigJson(folder: string, fileName = "config.json"): ConfigJson {
  const path = join(folder, fileName);
  const text = readTextFile(path, MAX_CONFIG_BYTES);
  return new ConfigJson(path, parseJsonObject(text, path), floatKeysOf(text));
}

/** Writes `config.json` as transformers does: sorted keys, two spaces, a newline at the end. */
export function writeConfigJson(folder: string, config: ConfigJson): void {
  writeFileAtomic(join(folder, "config.json"), `${formatPythonJson(config.json, config.floatKeys)}\n`);
}

/** Keys followed by a number that Python would read as a float. */
function floatKeysOf(text: string): Set<string> {
  const keys = new Set<string>();
  for (const match of text.matchAll(/"([^"\\]+)"\s*:\s*-?\d+(?:\.\d|[eE])/g)) keys.add(match[1]!);
  return keys;
}
