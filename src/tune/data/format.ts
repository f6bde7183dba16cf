import { UserError } from "../../base/errors.ts";
import type { DataFormat } from "../../base/recipe/recipe.ts";
import { readHead } from "./bytes.ts";
import { type Delimiter, parseCsvHead, readCsv } from "./csv.ts";
import { readJson } from "./json.ts";
import { readJsonl } from "./jsonl.ts";
import type { Problems } from "./problems.ts";
import type { RowReader } from "./row.ts";
import { readText } from "./text.ts";

/** What a data file is, found out from its content, never from its name. */
export interface FileFormat {
  readonly format: DataFormat;
  /** For CSV and TSV. */
  readonly delimiter: Delimiter;
  readonly header: boolean;
  readonly reason: string;
}

export interface FormatHints {
  readonly format: "auto" | DataFormat;
  readonly header: "auto" | boolean;
  /** Columns that the recipe refers to; a first CSV row that holds one of them is a header. */
  readonly columns: readonly (string | number)[];
}

const headBytes = 64 * 1024;

/** Look at the beginning of a file. @throws UserError when it is empty or of no known format */
export async function detectFormat(path: string, hints: FormatHints): Promise<FileFormat> {
  const head = await readHead(path, headBytes);
  const text = head.toString("utf8").replace(/^\uFEFF/, "");
  if (text.trim() === "") {
    throw new UserError({
      code: "data/empty",
      message: "the file is empty",
      where: path,
      fix: "it should have one row per line",
    });
  }
  const plain = { delimiter: ",", header: false } as const;
  if (hints.format === "jsonl" || hints.format === "json" || hints.format === "text") {
    return { ...plain, format: hints.format, reason: "stated by data.format" };
  }
  if (hints.format === "auto") {
    const start = text.trimStart();
    if (start.startsWith("{")) return { ...plain, format: "jsonl", reason: "it starts with {" };
    if (start.startsWith("[")) return { ...plain, format: "json", reason: "it starts with [" };
  }
  return detectCsv(text, path, hints);
}

function detectCsv(text: string, path: string, hints: FormatHints): FileFormat {
  const delimiters: readonly Delimiter[] =
    hints.format === "tsv" ? ["\t"] : hints.format === "csv" ? [",", ";", "\t"] : ["\t", ",", ";"];
  const complete = text.length < headBytes / 2 ? text : text.slice(0, text.lastIndexOf("\n") + 1) || text;
  for (const delimiter of delimiters) {
    const records = parseCsvHead(complete, delimiter).slice(0, 100);
    const first = records[0];
    if (first === undefined) continue;
    const even = records.filter((cells) => cells.length === first.length).length;
    // Prose has commas too: unless the recipe says that it is CSV, most rows must have as many columns as the first.
    const fits = first.length > 1 && (hints.format !== "auto" || even > records.length / 2);
    if (!fits) continue;
    const { header, reason } = detectHeader(first, hints);
    return { format: delimiter === "\t" ? "tsv" : "csv", delimiter, header, reason };
  }
  if (hints.format !== "auto") {
    const first = parseCsvHead(complete, delimiters[0]!)[0] ?? [];
    return { format: hints.format, delimiter: delimiters[0]!, ...detectHeader(first, hints) };
  }
  throw new UserError({
    code: "data/unknown-format",
    message: "neither JSONL, JSON, CSV nor TSV, by its content",
    where: path,
    fix: "for plain text with one row per line, set data.format: text",
  });
}

function detectHeader(first: readonly string[], hints: FormatHints): { header: boolean; reason: string } {
  if (hints.header !== "auto") {
    return { header: hints.header, reason: `${hints.header ? "with" : "without"} a header, stated by data.header` };
  }
  if (hints.columns.length > 0 && hints.columns.every((column) => typeof column === "number")) {
    return { header: false, reason: "without a header: data.columns gives positions" };
  }
  const cells = first.map((cell) => cell.trim());
  const namesLike = cells.every((cell) => /^[\p{L}_][\p{L}\p{N}_ .-]{0,39}$/u.test(cell));
  const header =
    hints.columns.some((column) => cells.includes(String(column))) ||
    (namesLike && new Set(cells).size === cells.length);
  return {
    header,
    reason: header ? "with a header: the first row holds names" : "without a header: the first row holds values",
  };
}

/** The rows of a file of known format. */
export function readRows(path: string, format: FileFormat, problems: Problems): RowReader {
  switch (format.format) {
    case "jsonl":
      return readJsonl(path, problems);
    case "json":
      return readJson(path, problems);
    case "text":
      return readText(path, problems);
    case "csv":
    case "tsv":
      return readCsv(path, format, problems);
  }
}
