import { readLines } from "../lines.ts";
import type { Problems } from "../problems.ts";
import type { Reader } from "../reader.ts";
import { type RawRow, type RowReader, usableText } from "../row.ts";
import type { Source } from "../source.ts";

/** Plain text: each line that is not blank is the field `text` of one row. Never guessed, since everything is text. */
export const text: Reader = {
  formats: ["text"],
  content: "text",
  recognise(_, { format }) {
    return format === "text" ? { format, reason: "stated by data.format", read: readText } : undefined;
  },
};

async function* readText(source: Source, problems: Problems): RowReader {
  const { name: path } = source;
  for await (const lines of readLines(source)) {
    const rows: RawRow[] = [];
    for (const line of lines) {
      const text = usableText(line, path, problems);
      if (text !== undefined && text.trim() !== "") rows.push({ line: line.number, fields: { text } });
    }
    yield rows;
  }
}
