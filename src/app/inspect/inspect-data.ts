import { existsSync, statSync } from "node:fs";
import { UserError } from "../../base/errors.ts";
import type { DataFormat } from "../../base/recipe/data-format.ts";
import type { TemplateOptions } from "../../base/recipe/recipe.ts";
import { refuseAbsentColumns } from "../../tune/data/absent-columns.ts";
import { openDataFiles, type PlacedRow, readDataFiles } from "../../tune/data/data-files.ts";
import { fieldOf, keepRow, textOf, textsOf } from "../../tune/data/keep-row.ts";
import { Labels } from "../../tune/data/labels.ts";
import { type ProblemGroup, Problems } from "../../tune/data/problems.ts";
import type { RawRow } from "../../tune/data/row.ts";
import { detectShape, labelListNames, type Shape } from "../../tune/data/shape.ts";
import { answering, type DataTask } from "../../tune/data/task.ts";
import { dataPaths } from "../api/data-paths.ts";

export interface DataHints {
  readonly format?: "auto" | DataFormat | undefined;
  /** Field name -> the file's column name or position, as in a recipe's `data.columns`. */
  readonly columns?: Readonly<Record<string, string | number>> | undefined;
}

export interface DataInspection {
  readonly kind: "data";
  readonly path: string;
  /** Null for what is no file by itself. */
  readonly bytes: number | null;
  /** Rows that can be read of each file, where there are several. */
  readonly files: Readonly<Record<string, number>> | null;
  readonly format: string;
  readonly formatReason: string;
  /** How rows become examples; null when no shape is known for these fields. */
  readonly shape: string | null;
  readonly shapeReason: string;
  /** Rows that training could use. */
  readonly rows: number;
  readonly skipped: number;
  /** How many of the rows that can be read have each field. */
  readonly fields: Readonly<Record<string, number>>;
  /** Rows of each label; null where nothing is labelled. */
  readonly labels: Readonly<Record<string, number>> | null;
  /** Characters of a row's text fields. */
  readonly characters: { readonly mean: number; readonly longest: number };
  readonly problems: readonly ProblemGroup[];
}

/** Rows that the shape is told from. */
const ROWS_LOOKED_AT = 1000;
/** More names than this are no fields, and more values no labels. */
const MAX_FIELDS = 1000;
const MAX_LABELS = 1000;

const noTemplate: TemplateOptions = {
  system: null,
  user: null,
  assistant: null,
  text: null,
  chat_template_kwargs: {},
  max_length: "auto",
  too_long: "cut",
  cut_field: "auto",
};

/**
 * Reads a data file twice, a few rows at a time: once to learn its fields and labels, once to count what training could
 * use of it.
 * @throws UserError when it is empty or no rows can be told apart in it
 */
export async function inspectData(path: string, hints: DataHints): Promise<DataInspection> {
  const columns = hints.columns ?? {};
  const paths = await dataPaths([path], undefined, () => {});
  const files = await openDataFiles(paths, { format: hints.format ?? "auto", header: "auto", columns }, () => {});
  const rawRows = (problems: Problems): AsyncGenerator<PlacedRow> => readDataFiles(files, problems);

  const first = await findFields(rawRows(new Problems()), columns);
  if (first.present.size > 0) refuseAbsentColumns(columns, first.present, path);
  let { shape, reason } = shapeOf(first, columns, path);
  const labelField = shape?.labelField;
  const labels = labelField === undefined ? undefined : await countLabels(rawRows(new Problems()), labelField, columns);
  if (labels !== undefined && labels.size > MAX_LABELS) {
    shape = undefined;
    reason = `${labelField} has more than ${MAX_LABELS} different values: these are no labels`;
  }

  const problems = new Problems();
  const task = taskOf(first.lists);
  const rules = shape && { shape, columns, task, labels: labels && acceptAll(labels), answerOptional: false };
  const fields = new Map<string, number>();
  let rows = 0;
  let characters = 0;
  let longest = 0;
  const rowsOfFile = new Map(files.map(({ name }) => [name, 0]));
  for await (const { raw, path: file, source } of rawRows(problems)) {
    rowsOfFile.set(source.name, rowsOfFile.get(source.name)! + 1);
    for (const name of Object.keys(raw.fields)) {
      if (fields.has(name) || fields.size < MAX_FIELDS) fields.set(name, (fields.get(name) ?? 0) + 1);
    }
    if (rules && keepRow(raw, file, rules, problems) === undefined) continue;
    rows++;
    const size = textSize(raw);
    characters += size;
    longest = Math.max(longest, size);
  }
  return {
    kind: "data",
    path,
    bytes: existsSync(path) && statSync(path).isFile() ? statSync(path).size : null,
    files: files.length > 1 || files[0]!.name !== path ? Object.fromEntries(rowsOfFile) : null,
    format: distinct(files.map(({ format }) => format)),
    formatReason: distinct(files.map(({ reason }) => reason)),
    shape: shape?.kind ?? null,
    shapeReason: reason,
    rows,
    skipped: problems.skipped,
    fields: Object.fromEntries(fields),
    labels: labels === undefined || shape === undefined ? null : Object.fromEntries(labels),
    characters: { mean: rows === 0 ? 0 : Math.round(characters / rows), longest },
    problems: problems.groups(),
  };
}

/** Names that the first rows have, and those of them that hold lists. */
interface FirstRows {
  readonly fields: Set<string>;
  readonly lists: Set<string>;
  /** What the files themselves call them. */
  readonly present: Set<string>;
}

async function findFields(rows: AsyncIterable<PlacedRow>, columns: DataHints["columns"] & object): Promise<FirstRows> {
  const fields = new Set<string>();
  const lists = new Set<string>();
  const present = new Set<string>();
  let seen = 0;
  for await (const { raw } of rows) {
    for (const name of Object.keys(raw.fields)) present.add(name);
    for (const name of [...Object.keys(raw.fields), ...Object.keys(columns)]) {
      const value = fieldOf(raw, name, columns);
      if (value !== undefined) fields.add(name);
      if (Array.isArray(value)) lists.add(name);
    }
    if (++seen === ROWS_LOOKED_AT) break;
  }
  return { fields, lists, present };
}

/** Rows with lists of labels are for a class head: they have no one answer. */
function taskOf(lists: ReadonlySet<string>): DataTask {
  const multiLabel = labelListNames.some((name) => lists.has(name));
  return multiLabel ? { ...answering, classHead: true, multiLabel } : answering;
}

/** The shape, or why there is none: rows are counted all the same then. */
function shapeOf(
  { fields, lists }: FirstRows,
  columns: DataHints["columns"] & object,
  where: string,
): { shape: Shape | undefined; reason: string } {
  const hints = { template: noTemplate, columns, task: taskOf(lists), labelExpected: false, where };
  try {
    const shape = detectShape({ fields, lists, ...hints });
    return { shape, reason: shape.reason };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { shape: undefined, reason: [error.message, error.fix].filter((part) => part !== undefined).join("; ") };
  }
}

async function countLabels(
  rows: AsyncIterable<PlacedRow>,
  field: string,
  columns: DataHints["columns"] & object,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const { raw } of rows) {
    const value = fieldOf(raw, field, columns);
    for (const label of textsOf(value) ?? [textOf(value)?.trim()]) {
      if (label && (counts.has(label) || counts.size <= MAX_LABELS)) counts.set(label, (counts.get(label) ?? 0) + 1);
    }
  }
  const order = new Intl.Collator("en", { numeric: true });
  return new Map([...counts].sort(([a], [b]) => order.compare(a, b)));
}

function distinct(values: readonly string[]): string {
  return [...new Set(values)].join(", ");
}

function acceptAll(counts: ReadonlyMap<string, number>): Labels {
  return Labels.declared([...counts.keys()]);
}

function textSize(raw: RawRow): number {
  let size = 0;
  for (const value of Object.values(raw.fields)) if (typeof value === "string") size += value.length;
  return size;
}
