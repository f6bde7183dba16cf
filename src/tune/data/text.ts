import { readLines } from "./lines.ts";
import type { Problems } from "./problems.ts";
import { type RawRow, type RowReader, usableText } from "./row.ts";

/** Rows of a plain text file: each line that is not blank is the field `text` of one row. */
export async function* readText(path: string, problems: Problems): RowReader {
  for await (const lines of readLines(path)) {
    const rows: RawRow[] = [];
    for (const line of lines) {
      const text = usableText(line, path, problems);
      if (text !== undefined && text.trim() !== "") rows.push({ line: line.number, fields: { text } });
    }
    yield rows;
  }
}
