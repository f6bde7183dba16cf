import { gzipSync } from "node:zlib";
import { UserError } from "../../base/errors.ts";
import { AtomicFile } from "../../model/files/atomic-file.ts";
import { textsOf } from "./keep-row.ts";

/** How a file of rows is written: by its name, since there is no content yet. */
export interface RowFileFormat {
  readonly format: "jsonl" | "json" | "csv" | "tsv";
  readonly gzip: boolean;
}

const endings: Readonly<Record<string, RowFileFormat["format"]>> = {
  jsonl: "jsonl",
  ndjson: "jsonl",
  json: "json",
  csv: "csv",
  tsv: "tsv",
};

/** @throws UserError for an ending that says nothing */
export function rowFileFormat(path: string): RowFileFormat {
  const [, ending = "", packed] = /(?:\.([^./]+?))?(\.gz)?$/i.exec(path) ?? [];
  const format = endings[ending.toLowerCase()];
  if (format !== undefined) return { format, gzip: packed !== undefined };
  throw new UserError({
    code: "data/output-format",
    message: "the name of the file to write does not say its format",
    where: path,
    fix: "end it in .jsonl, .json, .csv or .tsv, with .gz to pack it",
  });
}

/** Text is written in pieces of this size; with gzip each is a member of its own, which every reader takes as one. */
const PIECE_BYTES = 1 << 20;

/**
 * A file of rows, written one by one; it is there when it is finished, whole. Disposed of before, it leaves what was
 * there. Cells of CSV and TSV are text, numbers, truth values, nothing, or a list of labels as JSON.
 */
export class RowFile implements Disposable {
  readonly format: RowFileFormat;
  readonly #file: AtomicFile;
  readonly #columns: readonly string[];
  readonly #delimiter: string;
  #pieces: string[] = [];
  #size = 0;
  #rows = 0;

  /**
   * @param columns of CSV and TSV, in order; a row's other fields are not written
   * @throws UserError when the file cannot be made, or its ending says nothing
   */
  constructor(path: string, columns: readonly string[] = []) {
    this.format = rowFileFormat(path);
    this.#file = new AtomicFile(path);
    this.#columns = columns;
    this.#delimiter = this.format.format === "tsv" ? "\t" : ",";
    if (this.#isTable) this.#add(`${this.#record(columns)}\n`);
    else if (this.format.format === "json") this.#add("[");
  }

  get rows(): number {
    return this.#rows;
  }

  /** @throws UserError when the disk is full */
  write(fields: Readonly<Record<string, unknown>>): void {
    if (this.#isTable) this.#add(`${this.#record(this.#columns.map((name) => cellOf(fields[name])))}\n`);
    else if (this.format.format === "json") this.#add(`${this.#rows === 0 ? "" : ","}\n${JSON.stringify(fields)}`);
    else this.#add(`${JSON.stringify(fields)}\n`);
    this.#rows++;
  }

  /** @throws UserError when the disk is full */
  finish(): void {
    if (this.format.format === "json") this.#add("\n]\n");
    this.#flush();
    this.#file.commit();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  get #isTable(): boolean {
    return this.format.format === "csv" || this.format.format === "tsv";
  }

  /** RFC 4180: what holds a separator, a quote or a line end is quoted. A lone empty cell is, too: it is no blank line. */
  #record(cells: readonly string[]): string {
    if (cells.length === 1 && cells[0] === "") return '""';
    const special = (cell: string): boolean => /["\r\n]|^\s|\s$/.test(cell) || cell.includes(this.#delimiter);
    return cells.map((cell) => (special(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(this.#delimiter);
  }

  #add(text: string): void {
    this.#pieces.push(text);
    this.#size += text.length;
    if (this.#size >= PIECE_BYTES) this.#flush();
  }

  #flush(): void {
    const bytes = Buffer.from(this.#pieces.join(""), "utf8");
    this.#pieces = [];
    this.#size = 0;
    if (bytes.length > 0) this.#file.append(this.format.gzip ? gzipSync(bytes) : bytes);
  }
}

/** Whether a CSV or TSV cell can hold a value so that it is read back as it was. */
export function fitsCell(value: unknown): boolean {
  if (value === undefined || value === null || typeof value === "number" || typeof value === "boolean") return true;
  if (typeof value === "string") return !/[\0\p{Surrogate}]/u.test(value);
  return textsOf(value)?.every(fitsCell) ?? false;
}

function cellOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
