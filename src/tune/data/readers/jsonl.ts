import { messageOf } from "../../../base/errors.ts";
import { readLines } from "../lines.ts";
import type { Problems } from "../problems.ts";
import type { Reader } from "../reader.ts";
import { type RawRow, type RowReader, usableText } from "../row.ts";
import type { Source } from "../source.ts";

/** JSON Lines: one object per line; blank lines are passed over. */
export const jsonl: Reader = {
  formats: ["jsonl"],
  content: "text",
  recognise({ text }, { format }) {
    if (format === "jsonl") return { format, reason: "stated by data.format", read: readJsonl };
    if (!text.trimStart().startsWith("{")) return undefined;
    return { format: "jsonl", reason: "it starts with {", read: readJsonl };
  },
};

async function* readJsonl(source: Source, problems: Problems): RowReader {
  const { name: path } = source;
  for await (const lines of readLines(source)) {
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
