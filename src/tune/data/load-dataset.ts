import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { suggestName } from "../../base/names.ts";
import { openDataFiles, readDataFiles } from "./data-files.ts";
import { Dataset } from "./dataset.ts";
import type { Row } from "./example.ts";
import { keepRow, noLabelList, noLabelLists, unexpectedList, unknownLabel } from "./keep-row.ts";
import type { Labels } from "./labels.ts";
import { Problems } from "./problems.ts";
import { answers, Questions } from "./questions.ts";
import type { Rows } from "./rows.ts";
import type { Shape } from "./shape.ts";
import { partNamed } from "./sources/parts.ts";
import { RowStore } from "./store/row-store.ts";
import type { Scratch } from "./store/scratch-file.ts";
import { type ReadOptions, surveyRows } from "./survey.ts";
import { answering, type DataTask } from "./task.ts";

export interface DatasetOptions extends ReadOptions {
  /** What the rows are read for; by default for the model's own words, with one label a row. */
  readonly task?: DataTask | undefined;
  /** Where rows go that are too many for memory. */
  readonly scratch?: Scratch | undefined;
}

/** Rows that are stored together. */
const rowsPerBatch = 1024;

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
  const { name, data, task = answering, answerOptional = false } = options;
  const problems = new Problems();
  const files = await openDataFiles(paths, data, onEvent, partNamed(name));
  const { shape, labels } = await surveyRows(files, { ...options, task }, onEvent);

  const rules = { shape, columns: data.columns, labels, task, answerOptional };
  const store = new RowStore(options.scratch);
  let rows: Row[] = [];
  let left = data.limit ?? Number.POSITIVE_INFINITY;
  for await (const { raw, path } of readDataFiles(files, problems)) {
    const row = keepRow(raw, path, rules, problems);
    if (row !== undefined) rows.push(row);
    if (rows.length < Math.min(left, rowsPerBatch)) continue;
    store.append(rows);
    left -= rows.length;
    rows = [];
    if (left === 0) break;
  }
  store.append(rows);
  for (const line of problems.lines()) onEvent({ kind: "note", level: "warning", message: `${name}: ${line}` });
  if (store.length === 0) throw nothingLeft(name, paths, problems, labels);
  return datasetOf(name, shape, labels, store, problems, task);
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

function nothingLeft(
  name: string,
  paths: readonly string[],
  problems: Problems,
  labels: Labels | undefined,
): UserError {
  const worst = problems.groups()[0];
  if (worst?.reason === noLabelList) return noLabelLists("the label's field", paths.join(", "));
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
