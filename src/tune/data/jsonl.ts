import { messageOf } from "../../base/errors.ts";
import { readLines } from "./lines.ts";
import type { Problems } from "./problems.ts";
import { type RawRow, type RowReader, usableText } from "./row.ts";

/** Rows of a JSON Lines file: one object per line; blank lines are passed over. */
export async function* readJsonl(path: string, problems: Problems): RowReader {
  for await (const lines of readLines(path)) {
    const rows: RawRow[] = [];
    for (const line of lines) {
      const text = usableText(line, path, problems);
      if (text === undefined || text.trim() === "") continue;
      const fields = parseObject(text, `${path}:${line.number}`, line.terminated, problems);
      if (fields !== undefined) rows.push({ line: line.number, fields });
    }
    yield rows;
  }
}

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
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  problems.skip(where, "not a JSON object", text);
  return undefined;
}
