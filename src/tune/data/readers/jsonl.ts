import { findList } from "../json-list.ts";
import { parseObject } from "../json-object.ts";
import { readLines } from "../lines.ts";
import type { Problems } from "../problems.ts";
import type { Head, Reader } from "../reader.ts";
import { type RawRow, type RowReader, usableText } from "../row.ts";
import type { Source } from "../source.ts";

/** JSON Lines: one object per line; blank lines are passed over. */
export const jsonl: Reader = {
  formats: ["jsonl"],
  content: "text",
  recognise(head, { format }) {
    if (format === "jsonl") return { format, reason: "stated by data.format", read: readJsonl };
    if (!head.text.trimStart().startsWith("{") || !hasObjectLines(head)) return undefined;
    return { format: "jsonl", reason: "it starts with {", read: readJsonl };
  },
};

/** Lines in which a first object is looked for: those before it are faulty rows. */
const linesTried = 20;

/** Whether one of the first lines is an object, and not one that holds all the rows. */
function hasObjectLines({ bytes, text, complete }: Head): boolean {
  const lines = text.split("\n", linesTried).filter((line) => line.trim() !== "");
  const isCut = lines.length === 1 && !complete;
  if (lines.length === 1 && findList(bytes) !== undefined) return false;
  return isCut || lines.some((line) => isObject(line));
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

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
