import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { DataOptions, TemplateOptions } from "../../base/recipe/recipe.ts";
import { refuseAbsentColumns } from "./absent-columns.ts";
import { type FileOptions, readDataFiles } from "./data-files.ts";
import type { RowSource } from "./format.ts";
import { fieldOf, noLabelLists, textOf, textsOf } from "./keep-row.ts";
import { Labels } from "./labels.ts";
import { Problems } from "./problems.ts";
import { detectShape, type Shape } from "./shape.ts";
import type { DataTask } from "./task.ts";

/** How the rows of a set are read. */
export interface ReadOptions {
  /** What events and errors call the set: `train`, `validation`, `test`. */
  readonly name: string;
  readonly data: FileOptions & Pick<DataOptions, "labels" | "limit">;
  readonly template: TemplateOptions;
  /** Labels of the training set, for the other sets of a run; overrides `data.labels`. */
  readonly labels?: Labels | undefined;
  /** Keep rows that have no answer or label, to predict it. Default false. */
  readonly answerOptional?: boolean;
}

/** What the rows of a set are. */
export interface Survey {
  readonly shape: Shape;
  /** Undefined when the task is no classification. */
  readonly labels: Labels | undefined;
}

/** Rows that the shape is told from. */
const rowsLookedAt = 1000;

/**
 * Finds out what the rows are: their shape from the first of them, labels that are not declared from all. Tells both.
 * @throws UserError when no row can be read, no shape fits, or there are labels that cannot be
 */
export async function surveyRows(
  files: readonly RowSource[],
  options: ReadOptions & { readonly task: DataTask },
  onEvent: EventSink,
): Promise<Survey> {
  const { name, data } = options;
  const known = options.labels ?? (data.labels === null ? undefined : Labels.declared(data.labels));
  const names = await lookAtFields(files, data.columns);
  if (options.answerOptional !== true) refuseAbsentColumns(data.columns, names.present, placesOf(files));
  const labelExpected = (options.answerOptional ?? false) && known !== undefined;
  const { template, task } = options;
  const hints = { template, columns: data.columns, task, labelExpected, labelsKnown: known !== undefined };
  const shape = detectShape({ ...names, ...hints, where: placesOf(files) });
  onEvent({ kind: "choice", name: `shape of ${name}`, value: shape.kind, reason: shape.reason });
  return { shape, labels: await labelsOf(shape, known, files, options, onEvent) };
}

/** Names that the first rows have, and those under which they hold lists. */
export interface FieldNames {
  readonly fields: ReadonlySet<string>;
  readonly lists: ReadonlySet<string>;
  /** What the files themselves call them. */
  readonly present: ReadonlySet<string>;
}

/** @throws UserError when no row can be read */
export async function lookAtFields(files: readonly RowSource[], columns: DataOptions["columns"]): Promise<FieldNames> {
  const fields = new Set<string>();
  const lists = new Set<string>();
  const present = new Set<string>();
  let seen = 0;
  for await (const { raw } of readDataFiles(files, new Problems())) {
    for (const name of Object.keys(raw.fields)) present.add(name);
    for (const name of [...Object.keys(raw.fields), ...Object.keys(columns)]) {
      const value = fieldOf(raw, name, columns);
      if (value !== undefined) fields.add(name);
      if (Array.isArray(value)) lists.add(name);
    }
    if (++seen >= rowsLookedAt) break;
  }
  if (seen > 0) return { fields, lists, present };
  throw new UserError({ code: "data/empty", message: "no row could be read", where: placesOf(files) });
}

async function labelsOf(
  shape: Shape,
  known: Labels | undefined,
  files: readonly RowSource[],
  { name, data, task }: ReadOptions & { readonly task: DataTask },
  onEvent: EventSink,
): Promise<Labels | undefined> {
  if (shape.kind === "messages" && shape.labelField === undefined) return known;
  const where = placesOf(files);
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
  for await (const { raw } of readDataFiles(files, new Problems())) {
    const value = fieldOf(raw, shape.labelField, data.columns);
    const names = task.multiLabel ? (textsOf(value) ?? []) : [textOf(value)?.trim() ?? ""];
    for (const label of names) if (label !== "") values.add(label);
    if (++seen === data.limit) break;
  }
  if (values.size === 0 && task.multiLabel) throw noLabelLists(shape.labelField, where);
  if (values.size === 0) return undefined;
  const labels = Labels.collected(values, where, task.multiLabel ? 1 : 2);
  const shown = labels.names.slice(0, 20).join(", ") + (labels.names.length > 20 ? ", …" : "");
  onEvent({ kind: "choice", name: "labels", value: shown, reason: `the values of ${shape.labelField} in ${name}` });
  return labels;
}

function placesOf(files: readonly RowSource[]): string {
  return files.map(({ name }) => name).join(", ");
}
