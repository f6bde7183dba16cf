/** Data files to another format or shape, or a refusal that says what would be lost. */
import { existsSync } from "node:fs";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { openDataFiles, readDataFiles } from "../../tune/data/data-files.ts";
import type { RowSource } from "../../tune/data/format.ts";
import { Labels } from "../../tune/data/labels.ts";
import { type ProblemGroup, Problems } from "../../tune/data/problems.ts";
import type { RawRow } from "../../tune/data/row.ts";
import { RowConverter } from "../../tune/data/row-converter.ts";
import { fitsCell, RowFile, rowFileFormat } from "../../tune/data/row-file.ts";
import { detectShape, labelListNames } from "../../tune/data/shape.ts";
import { lookAtFields } from "../../tune/data/survey.ts";
import type { Fields, TargetShape } from "../../tune/data/target-shape.ts";
import { answering } from "../../tune/data/task.ts";
import { dataPaths } from "./data-paths.ts";
import type { Reading } from "./load-model.ts";

export interface ConvertOptions {
  /** Its ending is its format: .jsonl, .json, .csv or .tsv, and .gz. */
  readonly output: string;
  /** Default: rows keep their fields. */
  readonly shape?: TargetShape | undefined;
  readonly reading: Reading;
  /** Fields that are left out. */
  readonly drop?: readonly string[] | undefined;
  /** Leaves rows out that would lose something. */
  readonly skip?: boolean | undefined;
  /** Writes over a file that is there. */
  readonly force?: boolean | undefined;
  readonly onEvent?: EventSink | undefined;
}

export interface Conversion {
  readonly kind: "conversion";
  readonly output: string;
  readonly shape: TargetShape | null;
  readonly rows: number;
  /** Rows that could not be read, and those left out because they would lose something. */
  readonly skipped: number;
  readonly fields: readonly string[];
  readonly problems: readonly ProblemGroup[];
}

/** More names than this are no columns. */
const MAX_COLUMNS = 1000;

/**
 * Reads the files twice, a few rows at a time: once to know that nothing would be lost, once to write.
 * @throws UserError when something would be lost, naming it; when the output is there; when no row is left
 */
export async function convertData(inputs: readonly string[], options: ConvertOptions): Promise<Conversion> {
  const { output, shape = null, onEvent = () => {} } = options;
  const table = ["csv", "tsv"].includes(rowFileFormat(output).format);
  if (existsSync(output) && options.force !== true) {
    throw new UserError({
      code: "convert/exists",
      message: "there is such a file already",
      where: output,
      fix: "choose another name, or add --force to write over it",
    });
  }
  const sources: Source[] = [];
  for (const file of await openDataFiles(await dataPaths(inputs, undefined, onEvent), options.reading.data, onEvent)) {
    sources.push({ file, converter: await converterOf(file, options, onEvent) });
  }

  const problems = new Problems();
  const unfit = new Problems();
  const fields = new Set<string>();
  let lists = false;
  let rows = 0;
  for await (const row of convertedRows(sources, options, table ? "texts" : "fitting", problems, unfit, table)) {
    rows++;
    lists ||= row.lists;
    for (const name of Object.keys(row.fields)) if (fields.size <= MAX_COLUMNS) fields.add(name);
  }
  const found = [...problems.groups(), ...unfit.groups()];
  if (table && fields.size > MAX_COLUMNS) throw tooManyColumns(output);
  if (unfit.skipped > 0 && options.skip !== true) throw wouldLose(unfit, rows + unfit.skipped, options);
  if (rows === 0) throw nothingToWrite(inputs, found);
  for (const line of [...problems.lines(), ...unfit.lines()])
    onEvent({ kind: "note", level: "warning", message: line });

  using written = new RowFile(output, [...fields]);
  const prompts = lists ? "lists" : "texts";
  for await (const row of convertedRows(sources, options, prompts, new Problems(), new Problems(), table)) {
    written.write(row.fields);
  }
  written.finish();
  const skipped = problems.skipped + unfit.skipped;
  return { kind: "conversion", output, shape, rows: written.rows, skipped, fields: [...fields], problems: found };
}

interface Source {
  readonly file: RowSource;
  /** Undefined where rows keep their fields. */
  readonly converter: RowConverter | undefined;
}

async function converterOf(file: RowSource, options: ConvertOptions, onEvent: EventSink): Promise<Source["converter"]> {
  const { shape: target, reading, drop = [] } = options;
  if (target === undefined) return undefined;
  const { data, template, multiLabel } = reading;
  const { columns } = data;
  const names = await lookAtFields([file], columns);
  const listed = labelListNames.some((name) => names.lists.has(name)) && !names.lists.has("messages");
  const several = multiLabel || (listed && !names.lists.has("conversations"));
  const task = several ? { ...answering, classHead: true, multiLabel: true } : answering;
  const shape = detectShape({ ...names, template, columns, task, labelExpected: false, where: file.name });
  onEvent({ kind: "choice", name: `shape of ${file.name}`, value: shape.kind, reason: shape.reason });
  const labels = data.labels === null ? undefined : Labels.declared(data.labels);
  return new RowConverter({ shape, columns, labels, task, target, drop: new Set(drop) });
}

async function* convertedRows(
  sources: readonly Source[],
  { drop = [] }: ConvertOptions,
  prompts: "texts" | "lists" | "fitting",
  problems: Problems,
  unfit: Problems,
  table: boolean,
): AsyncGenerator<{ readonly fields: Fields; readonly lists: boolean }> {
  const left = new Set(drop);
  for (const { file, converter } of sources) {
    for await (const { raw, path } of readDataFiles([file], problems)) {
      const row = converter
        ? converter.convert(raw, path, prompts, unfit)
        : { fields: without(raw, left), lists: false };
      if (row === undefined) continue;
      const strange = table ? Object.entries(row.fields).find(([name, value]) => !isCell(name, value)) : undefined;
      if (strange === undefined) yield row;
      else unfit.skip(`${path}:${raw.line}`, "a value that a cell of a table cannot hold", `in ${strange[0]}`);
    }
  }
}

function without({ fields }: RawRow, left: ReadonlySet<string>): Fields {
  if (left.size === 0) return fields;
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !left.has(name)));
}

/** Lists are only read back from a cell where they are labels. */
function isCell(name: string, value: unknown): boolean {
  return fitsCell(value) && (!Array.isArray(value) || labelListNames.includes(name));
}

function wouldLose(unfit: Problems, rows: number, { shape, output }: ConvertOptions): UserError {
  const reasons = unfit.groups().map(({ reason, count, examples }) => {
    const { where, detail } = examples[0]!;
    return `${reason}${detail === "" ? "" : ` (${detail})`}: ${count === 1 ? "1 row" : `${count} rows`}, first ${where}`;
  });
  return new UserError({
    code: "convert/loses-data",
    message: `${unfit.skipped} of ${rows} rows would lose something as ${shape ?? "they are"}: ${reasons.join("; ")}`,
    where: output,
    fix: "choose a shape or format that holds it (--shape messages, .jsonl), name fields to leave out (--drop a,b), or leave such rows out (--skip)",
  });
}

function tooManyColumns(output: string): UserError {
  return new UserError({
    code: "convert/columns",
    message: `the rows have more than ${MAX_COLUMNS} different fields, which are no columns`,
    where: output,
    fix: "write .jsonl",
  });
}

function nothingToWrite(inputs: readonly string[], problems: readonly ProblemGroup[]): UserError {
  const worst = problems[0];
  const first = worst && `${worst.reason}, first ${worst.examples[0]?.where}`;
  return new UserError({
    code: "data/no-rows",
    message: `no row can be written${first === undefined ? "" : `: ${first}`}`,
    where: inputs.join(", "),
  });
}
