import { UserError } from "../../base/errors.ts";
import type { DataFormat } from "../../base/recipe/data-format.ts";
import { readHead } from "./bytes.ts";
import { refuseForeign } from "./foreign.ts";
import type { Problems } from "./problems.ts";
import type { FormatHints, Head, Recognised } from "./reader.ts";
import { readers } from "./readers/readers.ts";
import type { RowReader } from "./row.ts";
import type { Source } from "./source.ts";

/** What rows come from, and how they are read. */
export interface RowSource {
  /** What events and errors call it. */
  readonly name: string;
  readonly format: DataFormat;
  /** Why it is taken for this format, for the run's log. */
  readonly reason: string;
  /** All rows, from the first; may be called again. */
  read(problems: Problems): RowReader;
}

const headBytes = 64 * 1024;

/** What a file is, by its content and never by its name. @throws UserError when it is empty or of no known format */
export async function detectFormat(source: Source, hints: FormatHints): Promise<RowSource> {
  const { bytes, complete } = await readHead(source, headBytes);
  const text = bytes.toString("utf8").replace(/^\uFEFF/, "");
  if (text.trim() === "") {
    throw new UserError({
      code: "data/empty",
      message: complete ? "the file is empty" : `the first ${headBytes} bytes are blank`,
      where: source.name,
      fix: "it should have one row per line",
    });
  }
  const { format, reason, read } = await recognise({ source, bytes, text, complete }, hints);
  return { name: source.name, format, reason, read: (problems) => read(source, problems) };
}

async function recognise(head: Head, hints: FormatHints): Promise<Recognised> {
  const stated = readers.filter(({ formats }) => hints.format === "auto" || formats.includes(hints.format));
  for (const content of ["binary", "text"] as const) {
    if (content === "text") refuseForeign(head.bytes, head.source.name);
    if (content === "text") refuseCarriageReturns(head);
    for (const reader of stated) {
      const found = reader.content === content && (await reader.recognise(head, hints));
      if (found) return found;
    }
  }
  throw new UserError({
    code: "data/unknown-format",
    message: hints.format === "auto" ? "neither JSONL, JSON, CSV nor TSV, by its content" : `is not ${hints.format}`,
    where: head.source.name,
    fix:
      hints.format === "auto"
        ? "for plain text with one row per line, set data.format: text"
        : "leave data.format out, and it is read as what it is",
  });
}

/** What ends lines with CR alone would be one line. JSON is laid out in any way. */
function refuseCarriageReturns({ text, source }: Head): void {
  if (text.includes("\n") || !/\r./.test(text) || text.trimStart().startsWith("[")) return;
  throw new UserError({
    code: "data/line-ends",
    message: "its lines end with CR alone, as on old Macintosh computers",
    where: source.name,
    fix: "end them with LF: tr '\\r' '\\n' < FILE > OTHER",
  });
}
