import { UserError } from "../../../base/errors.ts";
import { readBytes } from "../bytes.ts";
import { findList, type ListPlace, listNames } from "../json-list.ts";
import { parseObject } from "../json-object.ts";
import { maxRowBytes } from "../lines.ts";
import type { Problems } from "../problems.ts";
import type { Reader } from "../reader.ts";
import type { RawRow, RowReader } from "../row.ts";
import type { Source } from "../source.ts";

const [quote, backslash, newline, comma] = [0x22, 0x5c, 0x0a, 0x2c];
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];

/** JSON: one list of objects, or an object with such a list under a name that says what it is. */
export const json: Reader = {
  formats: ["json"],
  content: "text",
  recognise({ bytes, text, source }, { format }) {
    const stated = format === "json";
    if (text.trimStart().startsWith("{")) {
      const list = findList(bytes);
      if (list === undefined) throw noRows(source.name);
      const reason = `it is an object with its rows under ${list.name}`;
      return { format: "json", reason, read: (from, problems) => readJson(from, problems, list) };
    }
    if (!stated && !text.trimStart().startsWith("[")) return undefined;
    return { format: "json", reason: stated ? "stated by data.format" : "it starts with [", read: readJson };
  },
};

/**
 * Rows of a JSON file that is one list of objects, or of such a list within an object. The list is cut at its own commas and each element is parsed by
 * itself, so that memory is bounded by one row and a broken element costs that element.
 * @throws UserError when the file is not a list
 */
export async function* readJson(source: Source, problems: Problems, list?: ListPlace): RowReader {
  const { name: path } = source;
  let depth = 0;
  let inString = false;
  let escaped = false;
  let line = 1;
  let ended = false;

  let pieces: Buffer[] = [];
  let size = 0;
  let begun = false;
  let startLine = 1;
  const keep = (bytes: Buffer): void => {
    size += bytes.length;
    if (size <= maxRowBytes) pieces.push(bytes);
    else pieces = [];
  };
  const finish = (complete: boolean): RawRow | undefined => {
    const tooLong = size > maxRowBytes;
    const text = Buffer.concat(pieces).toString("utf8");
    pieces = [];
    size = 0;
    begun = false;
    const where = `${path}:${startLine}`;
    if (tooLong) problems.skip(where, `longer than ${maxRowBytes / 1024 ** 2} MiB`);
    if (tooLong || text.trim() === "") return undefined;
    const fields = parseObject(text, where, complete, problems);
    return fields === undefined ? undefined : { line: startLine, fields };
  };

  let before = list?.start ?? 0;
  for await (const chunk of readBytes(source)) {
    const rows: RawRow[] = [];
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (byte === newline) line++;
      if (before > 0) {
        before--;
        continue;
      }
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) inString = false;
        continue;
      }
      if (depth === 0) {
        if (byte === openBracket && !ended) {
          depth = 1;
          start = i + 1;
        } else if (!isSpace(byte) && !isBom(byte) && !(ended && list)) throw notAList(path, line, ended);
        continue;
      }
      if (!begun && !isSpace(byte)) {
        begun = true;
        startLine = line;
      }
      if (byte === quote) inString = true;
      else if (byte === openBracket || byte === openBrace) depth++;
      else if (byte === closeBrace && depth > 1) depth--;
      else if (byte === closeBracket || (byte === comma && depth === 1)) {
        if (byte === closeBracket) depth--;
        if (depth > 1 || (depth === 1 && byte === closeBracket)) continue;
        keep(chunk.subarray(start, i));
        const row = finish(true);
        if (row !== undefined) rows.push(row);
        start = i + 1;
        ended = depth === 0;
      }
    }
    if (depth > 0 && start < chunk.length) keep(chunk.subarray(start));
    yield rows;
  }
  if (depth > 0) {
    if (size > 0) finish(false);
    problems.change(`${path}:${line}`, "the list is not closed: the file may have been cut off");
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === newline || byte === 0x0d || byte === 0x09;
}

function isBom(byte: number): boolean {
  return byte === 0xef || byte === 0xbb || byte === 0xbf;
}

function noRows(where: string): UserError {
  return new UserError({
    code: "data/json-object",
    message: "neither JSONL (none of its first lines is a JSON object) nor an object with a list of rows",
    where,
    fix: `write one object per line, or a list of objects, also under ${listNames.join(", ")}`,
  });
}

function notAList(path: string, line: number, ended: boolean): UserError {
  return new UserError({
    code: "data/json-not-a-list",
    message: ended ? "there is something behind the end of the list" : "a JSON data file is a list of objects",
    where: `${path}:${line}`,
    fix: "write [{…}, {…}], or one object per line (JSONL)",
  });
}
