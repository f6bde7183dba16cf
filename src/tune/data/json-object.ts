import { messageOf } from "../../base/errors.ts";
import type { Problems } from "./problems.ts";

/** A JSON object from its text, or undefined and a counted problem. */
export function parseObject(
  text: string,
  where: string,
  terminated: boolean,
  problems: Problems,
): Readonly<Record<string, unknown>> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    problems.skip(where, terminated ? "not valid JSON" : "the file ends within this row", messageOf(error));
    return undefined;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    if (!isDeep(value, 0)) return value as Record<string, unknown>;
    problems.skip(where, `nested more than ${deepest} deep`);
    return undefined;
  }
  problems.skip(where, "not a JSON object", text);
  return undefined;
}

/** Deeper than any data; what goes through values one by one may call itself for each level. */
const deepest = 100;

function isDeep(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth > deepest) return true;
  for (const member of Object.values(value)) if (isDeep(member, depth + 1)) return true;
  return false;
}
