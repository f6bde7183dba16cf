import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { suggestName } from "../../base/names.ts";
import type { DataOptions, TemplateOptions } from "../../base/recipe/recipe.ts";
import { Dataset } from "./dataset.ts";
import type { Row } from "./example.ts";
import { detectFormat, type RowSource } from "./format.ts";
import { fieldOf, keepRow, noLabelList, textOf, textsOf, unexpectedList, unknownLabel } from "./keep-row.ts";
import { Labels } from "./labels.ts";
import { Problems } from "./problems.ts";
import { answers, Questions } from "./questions.ts";
import type { RawRow } from "./row.ts";
import { RowList, type Rows } from "./rows.ts";
import { detectShape, type Shape } from "./shape.ts";
import { fileSource } from "./source.ts";
import { answering, type DataTask } from "./task.ts";
import { brokenStreamCode } from "./unpack/unpacker.ts";

export interface DatasetOptions {
  /** What events and errors call the set: `train`, `validation`, `test`. */
  readonly name: string;
  readonly data: Pick<DataOptions, "format" | "header" | "columns" | "labels" | "limit">;
  readonly template: TemplateOptions;
  /** Labels of the training set, for the other sets of a run; overrides `data.labels`. */
  readonly labels?: Labels | undefined;
  /** Keep rows that have no answer or label, to predict it. Default false. */
  readonly answerOptional?: boolean;
  /** What the rows are read for; by default for the model's own words, with one label a row. */
  readonly task?: DataTask | undefined;
}

/**
 * Read files into one set. What was found out about them (format, shape, labels) and what was wrong with them is told
 * through `onEvent`.
 * @throws UserError when a file cannot be read, has an unknown format or shape, or no row is left
 */
export async function loadDataset(
  paths: readonly string[],
  options: DatasetOptions,
  onEvent: EventSink,
): Promise<Dataset> {
  const { name, data, template, task = answering } = options;
  const answerOptional = options.answerOptional ?? false;
  const problems = new Problems();
  const files: RowSource[] = [];
  for (const path of paths) {
    const hints = { format: data.format, header: data.header, columns: Object.values(data.columns) };
    const file = await detectFormat(fileSource(path), hints);
    files.push(file);
    onEvent({ kind: "choice", name: `format of ${file.name}`, value: file.format, reason: file.reason });
  }

  const known = options.labels ?? (data.labels === null ? undefined : Labels.declared(data.labels));
  const labelExpected = answerOptional && known !== undefined;
  const shape = await shapeOf(files, data.columns, template, labelExpected, task);
  onEvent({ kind: "choice", name: `shape of ${name}`, value: shape.kind, reason: shape.reason });
  const labels = await labelsOf(shape, known, files, data, task, name, onEvent);

  const rules = { shape, columns: data.columns, labels, task, answerOptional };
  const rows: Row[] = [];
  for await (const { raw, path } of rawRows(files, problems)) {
    const row = keepRow(raw, path, rules, problems);
    if (row !== undefined) rows.push(row);
    if (rows.length === data.limit) break;
  }
  for (const line of problems.lines()) onEvent({ kind: "note", level: "warning", message: `${name}: ${line}` });
  if (rows.length === 0) throw nothingLeft(name, paths, problems, labels);
  return datasetOf(name, shape, labels, new RowList(rows), problems, task);
}

/** The set of rows that were read; each label of a row a question of its own, where that is what they are read for. */
export function datasetOf(
  name: string,
  shape: Shape,
  labels: Labels | undefined,
  rows: Rows,
  problems: Problems,
  task: DataTask,
): Dataset {
  if (!task.multiLabel || task.classHead || labels === undefined)
    return new Dataset(name, shape, labels, rows, problems);
  return new Dataset(name, shape, answers, new Questions(rows, labels.names), problems, labels);
}

async function* rawRows(
  files: readonly RowSource[],
  problems: Problems,
): AsyncGenerator<{ raw: RawRow; path: string }> {
  for (const file of files) {
    let lastLine = 0;
    try {
      for await (const batch of file.read(problems)) {
        for (const raw of batch) yield { raw, path: raw.file ?? file.name };
        lastLine = batch.at(-1)?.line ?? lastLine;
      }
    } catch (error) {
      if (!(error instanceof UserError) || error.code !== brokenStreamCode) throw error;
      const message = `${error.message}; the last whole row began on line ${lastLine}`;
      throw new UserError({ code: error.code, message, where: error.where, fix: error.fix, cause: error });
    }
  }
}

/** Rows that the shape is told from. */
const rowsLookedAt = 1000;

async function shapeOf(
  files: readonly RowSource[],
  columns: DataOptions["columns"],
  template: TemplateOptions,
  labelExpected: boolean,
  task: DataTask,
): Promise<Shape> {
  const fields = new Set<string>();
  const lists = new Set<string>();
  let seen = 0;
  for await (const { raw } of rawRows(files, new Problems())) {
    for (const name of [...Object.keys(raw.fields), ...Object.keys(columns)]) {
      const value = fieldOf(raw, name, columns);
      if (value !== undefined) fields.add(name);
      if (Array.isArray(value)) lists.add(name);
    }
    if (++seen >= rowsLookedAt) break;
  }
  const where = files.map(({ name }) => name).join(", ");
  if (seen > 0) return detectShape({ fields, lists, template, columns, task, labelExpected, where });
  throw new UserError({ code: "data/empty", message: "no row could be read", where });
}

async function labelsOf(
  shape: Shape,
  known: Labels | undefined,
  files: readonly RowSource[],
  data: DatasetOptions["data"],
  task: DataTask,
  name: string,
  onEvent: EventSink,
): Promise<Labels | undefined> {
  const where = files.map(({ name }) => name).join(", ");
  if (shape.kind === "messages" && shape.labelField === undefined) return known;
  if (shape.labelField === undefined) {
    if (known === undefined) return undefined;
    throw new UserError({
      code: "data/no-label-field",
      message: "labels are declared, but no field of the rows holds one",
      where,
      fix: "name it: data.columns: {label: …}",
    });
  }
  if (known !== undefined) return known;
  const values = new Set<string>();
  let seen = 0;
  for await (const { raw } of rawRows(files, new Problems())) {
    const value = fieldOf(raw, shape.labelField, data.columns);
    const names = task.multiLabel ? (textsOf(value) ?? []) : [textOf(value)?.trim() ?? ""];
    for (const label of names) if (label !== "") values.add(label);
    if (++seen === data.limit) break;
  }
  if (values.size === 0 && task.multiLabel) throw noLists(shape.labelField, where);
  if (values.size === 0) return undefined;
  const labels = Labels.collected(values, where, task.multiLabel ? 1 : 2);
  const shown = labels.names.slice(0, 20).join(", ") + (labels.names.length > 20 ? ", …" : "");
  onEvent({ kind: "choice", name: "labels", value: shown, reason: `the values of ${shape.labelField} in ${name}` });
  return labels;
}

function noLists(field: string, where: string): UserError {
  return new UserError({
    code: "data/no-label-lists",
    message: `no row has a list of labels: under ${field} there is something else`,
    where,
    fix: 'write them as a JSON list, such as ["a", "b"], or take problem_type single_label_classification',
  });
}

function nothingLeft(
  name: string,
  paths: readonly string[],
  problems: Problems,
  labels: Labels | undefined,
): UserError {
  const worst = problems.groups()[0];
  if (worst?.reason === noLabelList) return noLists("the label's field", paths.join(", "));
  if (worst?.reason === unexpectedList) {
    return new UserError({
      code: "data/label-lists",
      message: "the rows have lists of labels, not one label each",
      where: paths.join(", "),
      fix: "take problem_type multi_label_classification",
    });
  }
  const written = worst?.examples[0]?.detail ?? "";
  return new UserError({
    code: "data/no-rows",
    message: `no usable row in the ${name} set${worst === undefined ? "" : `: ${problems.lines().join("; ")}`}`,
    where: paths.join(", "),
    fix:
      worst?.reason === unknownLabel
        ? suggestName(written.replaceAll('"', ""), labels?.names ?? [])
        : "look at the first row named above",
  });
}
