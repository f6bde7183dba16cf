import { messageOf, UserError } from "../../base/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../files/json-file.ts";
import { SplitPreTokenizer } from "./library.ts";

/** One `{"type": …}` object of a tokenizer.json: a normalizer, pre-tokenizer, post-processor or decoder. */
export type Component = JsonObject & { type: string };

/** @throws UserError when the value is neither null nor an object with a type. */
export function asComponent(value: JsonValue | undefined, key: string, where: string): Component | null {
  if (value === undefined || value === null) return null;
  if (isJsonObject(value) && typeof value.type === "string") return value as Component;
  throw damaged(`"${key}" must be null or an object with a "type"`, where);
}

/** The members of a `Sequence`. */
export function componentList(component: Component, key: string, where: string): Component[] {
  const list = component[key];
  if (!Array.isArray(list)) throw damaged(`a Sequence must have a list "${key}"`, where);
  return list.map((member) => asComponent(member, key, where)).filter((member) => member !== null);
}

/**
 * The `pattern` of a Split or Replace as a global, unicode RegExp. The translation from Oniguruma (inline flags, `\s`,
 * possessive quantifiers, …) is the library's.
 * @throws UserError when JavaScript cannot express it.
 */
export function compilePattern(component: Component, where: string): RegExp {
  const pattern = component.pattern;
  const source = isJsonObject(pattern) ? (pattern.Regex ?? pattern.String) : undefined;
  if (typeof source !== "string") throw damaged('a pattern must be {"Regex": …} or {"String": …}', where);
  try {
    const compiled = new SplitPreTokenizer({ type: "Split", pattern, invert: true }).pattern;
    if (compiled !== null) return compiled;
  } catch (error) {
    throw new UserError({
      code: "tokenizer/bad-regex",
      message: `the expression ${JSON.stringify(source.slice(0, 200))} cannot be used: ${messageOf(error)}`,
      where,
      fix: "this tokenizer is not supported",
    });
  }
  throw damaged("a pattern is empty", where);
}

export function unsupported(part: string, type: string, where: string): UserError {
  return new UserError({
    code: "tokenizer/unsupported",
    message: `the tokenizer's ${part} of type "${type}" is not supported`,
    where,
    fix: "use a model with a byte-level BPE, sentencepiece BPE or WordPiece tokenizer",
  });
}

export function damaged(message: string, where: string): UserError {
  return new UserError({
    code: "tokenizer/bad-file",
    message,
    where,
    fix: "the file is damaged: download it again",
  });
}
