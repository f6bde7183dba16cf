import { readFileSync, statSync } from "node:fs";
import { messageOf, UserError } from "../../base/errors.ts";
import { fileError } from "./file-error.ts";

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** True for an object that is not null and not a list. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Reads a small text file as strict UTF-8.
 * @param maxBytes refuse larger files before reading them.
 * @throws UserError when the file is missing, unreadable, too large or not UTF-8.
 */
export function readTextFile(path: string, maxBytes: number): string {
  let bytes: Uint8Array;
  try {
    const { size } = statSync(path);
    if (size > maxBytes) {
      throw new UserError({
        code: "files/too-large",
        message: `the file has ${size} bytes, more than the ${maxBytes} that such a file may have`,
        where: path,
        fix: "check that this is the file that was meant",
      });
    }
    bytes = readFileSync(path);
  } catch (error) {
    throw fileError("read", path, error);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UserError({
      code: "files/not-utf8",
      message: "the file is not UTF-8 text",
      where: path,
      fix: "download or save it again",
    });
  }
}

/**
 * Parses the text of a JSON file whose top level must be an object.
 * @throws UserError with line and column of the mistake.
 */
export function parseJsonObject(text: string, path: string): JsonObject {
  let value: JsonValue;
  refuseDeepNesting(text, path);
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    throw jsonError(text, path, messageOf(error));
  }
  if (isJsonObject(value)) return value;
  throw new UserError({
    code: "files/bad-json",
    message: `the file must hold a JSON object, not ${describeJson(value)}`,
    where: path,
    fix: "download or save it again",
  });
}

/** Nothing real nests as deeply; code that walks the value may then recurse. */
const MAX_DEPTH = 200;

function refuseDeepNesting(text: string, path: string): void {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      i = endOfString(text, i);
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > MAX_DEPTH) {
        throw new UserError({
          code: "files/bad-json",
          message: `the JSON text is nested more than ${MAX_DEPTH} levels deep`,
          where: path,
          fix: "this is not the file that was meant: download it again",
        });
      }
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
    }
  }
}

/** Index of the quote that closes the string which opens at `open`, or the end of the text. */
export function endOfString(text: string, open: number): number {
  let i = open + 1;
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5c) i++;
    else if (code === 0x22) break;
  }
  return i;
}

/** `a string`, `a list`, ...: how messages name the type of a JSON value. */
export function describeJson(value: JsonValue | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "string") return `the string ${JSON.stringify(shorten(value))}`;
  return `${typeof value === "number" ? "the number " : ""}${value}`;
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function jsonError(text: string, path: string, reason: string): UserError {
  const position = errorPosition(text, reason);
  if (position >= text.length) {
    return new UserError({
      code: "files/bad-json",
      message: "the JSON text ends too early",
      where: path,
      fix: "the file is cut off: download or save it again",
    });
  }
  const before = text.slice(0, position);
  const line = before.split("\n").length;
  const column = position - before.lastIndexOf("\n");
  return new UserError({
    code: "files/bad-json",
    message: `this is not JSON: ${reason.replace(/ in JSON at position \d+.*$|, (\.\.\.)?".*$/s, "").replace("\n", "\\n")}`,
    where: `${path}:${line}:${column}`,
    fix: "correct the line, or download the file again",
  });
}

/**
 * V8 names the position for most mistakes but not for an unexpected token. That error appears as soon as the bad
 * token is part of the text, so the shortest prefix that shows it ends at the token.
 */
function errorPosition(text: string, reason: string): number {
  const named = /at position (\d+)/.exec(reason);
  if (named !== null) return Number(named[1]);
  if (!reason.startsWith("Unexpected token")) return text.length;
  let low = 0;
  let high = text.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (hasUnexpectedToken(text.slice(0, middle))) high = middle;
    else low = middle;
  }
  return high - 1;
}

function hasUnexpectedToken(text: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    return messageOf(error).startsWith("Unexpected token");
  }
}
