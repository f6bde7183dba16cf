import type { TextLine } from "./lines.ts";
import { maxRowBytes } from "./lines.ts";
import type { Problems } from "./problems.ts";

/** One row as the file has it: a JSON object's members, or a CSV record's cells by column. */
export interface RawRow {
  /** First line of the row in its file, from 1. */
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
  /** The file it is in, where its source has many. */
  readonly file?: string;
}

/** A reader of one format: batches of rows in file order; what cannot be read goes into `problems`. */
export type RowReader = AsyncGenerator<readonly RawRow[]>;

/** The text of a line, or undefined (and counted) when it is too long; invalid UTF-8 is counted and kept. */
export function usableText(line: TextLine, path: string, problems: Problems): string | undefined {
  const where = `${path}:${line.number}`;
  if (line.text === undefined) {
    problems.skip(where, `longer than ${maxRowBytes / 1024 ** 2} MiB`);
    return undefined;
  }
  if (!line.validUtf8) problems.change(where, "invalid UTF-8, replaced by U+FFFD");
  return line.text;
}
