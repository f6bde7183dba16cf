import { parse } from "csv-parse/sync";
import { readLines } from "../lines.ts";
import type { Problems } from "../problems.ts";
import type { FormatHints, Head, Reader } from "../reader.ts";
import { type RawRow, type RowReader, usableText } from "../row.ts";
import type { Source } from "../source.ts";

type Delimiter = "," | "\t" | ";";

interface CsvOptions {
  readonly delimiter: Delimiter;
  /** Whether the first record names the columns; without, columns are named "0", "1", … */
  readonly header: boolean;
}

/** A record before it is parsed: normally the lines between which every quote that opens also closes. */
interface Extent {
  readonly line: number;
  readonly text: string;
  readonly terminated: boolean;
}

interface QuotedLine extends Extent {
  /** Whether the number of quotes is odd, so that one stays open or an open one closes. */
  readonly odd: boolean;
}

/** How far a quote may reach before it counts as one that was never closed. */
const maxLinesPerRecord = 2000;
const maxCharactersPerRecord = 4 * 1024 * 1024;

/** CSV and TSV: rows of as many cells as the first one. */
export const csv: Reader = {
  formats: ["csv", "tsv"],
  content: "text",
  recognise(head, hints) {
    const found = detectCsv(head, hints);
    if (found === undefined) return undefined;
    const { delimiter, header, reason } = found;
    return {
      format: delimiter === "\t" ? "tsv" : "csv",
      reason,
      read: (source, problems) => readCsv(source, { delimiter, header }, problems),
    };
  },
};

function detectCsv({ text, complete }: Head, hints: FormatHints): (CsvOptions & { reason: string }) | undefined {
  const stated = hints.format !== "auto";
  const delimiters: readonly Delimiter[] =
    hints.format === "tsv" ? ["\t"] : hints.format === "csv" ? [",", ";", "\t"] : ["\t", ",", ";"];
  const whole = complete ? text : text.slice(0, text.lastIndexOf("\n") + 1) || text;
  for (const delimiter of delimiters) {
    const records = parseCsvHead(whole, delimiter).slice(0, 100);
    const first = records[0];
    if (first === undefined) continue;
    const even = records.filter((cells) => cells.length === first.length).length;
    // Prose has commas too: unless the recipe says that it is CSV, most rows must have as many columns as the first.
    const fits = first.length > 1 && (stated || even > records.length / 2);
    if (fits) return { delimiter, ...detectHeader(first, hints) };
  }
  if (!stated) return undefined;
  const first = parseCsvHead(whole, delimiters[0]!)[0] ?? [];
  return { delimiter: delimiters[0]!, ...detectHeader(first, hints) };
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

/**
 * Rows of a CSV or TSV file (RFC 4180: fields may be quoted, hold line ends and doubled quotes).
 *
 * A faulty quote would make a plain CSV parser swallow the rest of the file. So records are cut out first, by counting
 * quotes; one that does not parse costs its first line, and reading goes on with the next.
 */
async function* readCsv(source: Source, options: CsvOptions, problems: Problems): RowReader {
  const { name: path } = source;
  let columns: readonly string[] | undefined;
  for await (const extents of readExtents(source, options.delimiter, problems)) {
    const rows: RawRow[] = [];
    for (const [i, cells] of parseExtents(extents, options.delimiter, path, problems).entries()) {
      if (cells === undefined) continue;
      const { line } = extents[i]!;
      if (columns === undefined) {
        columns = options.header ? cells.map((cell) => cell.trim()) : cells.map((_, column) => String(column));
        if (options.header) continue;
      }
      if (cells.length === columns.length) {
        rows.push({ line, fields: Object.fromEntries(columns.map((name, column) => [name, cells[column]])) });
      } else {
        const reason = `not ${columns.length} columns as in the first row`;
        problems.skip(`${path}:${line}`, reason, `it has ${cells.length}`);
      }
    }
    yield rows;
  }
}

/** Cells of the complete records at the beginning of a text, for finding out what it is. */
function parseCsvHead(text: string, delimiter: Delimiter): readonly (readonly string[])[] {
  const lines = text.split(/\r?\n/).map((content, i) => quotedLine(content, i + 1, true));
  const extents: Extent[] = [];
  let from = 0;
  while (from < lines.length) {
    const count = linesOfRecord(lines, from);
    if (count === undefined) break;
    extents.push(joined(lines.slice(from, from + count)));
    from += count;
  }
  return extents.flatMap(({ text: record }) =>
    record.trim() === "" ? [] : (parseRecords(record, delimiter, true) ?? []),
  );
}

async function* readExtents(
  source: Source,
  delimiter: Delimiter,
  problems: Problems,
): AsyncGenerator<readonly Extent[]> {
  const { name: path } = source;
  let waiting: QuotedLine[] = [];
  /** Records at the start of `waiting`; what a later line may still close stays there until `atEnd`. */
  const take = (atEnd: boolean): Extent[] => {
    const extents: Extent[] = [];
    let from = 0;
    while (from < waiting.length) {
      const count = linesOfRecord(waiting, from);
      if (count === undefined && !atEnd) break;
      const record = joined(waiting.slice(from, from + (count ?? 1)));
      const whole = count === 1 || (count !== undefined && parseRecords(record.text, delimiter, false) !== undefined);
      extents.push(whole ? record : waiting[from]!);
      from += whole ? count : 1;
    }
    waiting = waiting.slice(from);
    return extents;
  };

  for await (const lines of readLines(source)) {
    for (const line of lines) {
      const text = usableText(line, path, problems);
      if (text !== undefined && (waiting.length > 0 || text.trim() !== "")) {
        waiting.push(quotedLine(text, line.number, line.terminated));
      }
    }
    yield take(false);
  }
  yield take(true);
}

/** Lines of the record that starts at `from`: 1 when its quote closes nowhere near, undefined when lines run out. */
function linesOfRecord(lines: readonly QuotedLine[], from: number): number | undefined {
  if (!lines[from]!.odd) return 1;
  let characters = 0;
  for (let i = from + 1; i < lines.length; i++) {
    characters += lines[i]!.text.length;
    if (lines[i]!.odd) return i - from + 1;
    if (i - from >= maxLinesPerRecord || characters > maxCharactersPerRecord) return 1;
  }
  return undefined;
}

function quotedLine(text: string, line: number, terminated: boolean): QuotedLine {
  let quotes = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) quotes++;
  return { line, text, terminated, odd: quotes % 2 === 1 };
}

function joined(lines: readonly QuotedLine[]): Extent {
  if (lines.length === 1) return lines[0]!;
  const { line } = lines[0]!;
  return { line, text: lines.map(({ text }) => text).join("\n"), terminated: lines.at(-1)!.terminated };
}

/** The cells of each extent; undefined (and counted, if it was not blank) where it is no record. */
function parseExtents(
  extents: readonly Extent[],
  delimiter: Delimiter,
  path: string,
  problems: Problems,
): readonly (readonly string[] | undefined)[] {
  const together = parseRecords(extents.map(({ text }) => text).join("\n"), delimiter, false);
  if (together?.length === extents.length) return together;
  if (extents.length > 1) {
    // Parsing many records at once is much faster than one by one: halve until the faulty ones stand alone.
    const half = extents.length >> 1;
    const parse = (part: readonly Extent[]) => parseExtents(part, delimiter, path, problems);
    return [...parse(extents.slice(0, half)), ...parse(extents.slice(half))];
  }
  return extents.map((extent) => {
    if (extent.text.trim() === "") return undefined;
    // A quote within an unquoted field (`5" disk`) is not RFC 4180 but unmistakable, as long as the record stands alone.
    const cells = parseRecords(extent.text, delimiter, true);
    if (cells?.length === 1) return cells[0];
    const reason = extent.terminated ? "a quote that is not closed or not doubled" : "the file ends within this row";
    problems.skip(`${path}:${extent.line}`, reason, extent.text);
    return undefined;
  });
}

function parseRecords(text: string, delimiter: Delimiter, relaxed: boolean): string[][] | undefined {
  try {
    return parse(text, {
      delimiter,
      record_delimiter: "\n",
      relax_column_count: true,
      relax_quotes: relaxed,
      skip_empty_lines: true,
    });
  } catch {
    return undefined;
  }
}
