import { UserError } from "../../base/errors.ts";
import type { DataOptions } from "../../base/recipe/recipe.ts";
import type { JsonValue } from "../../model/files/json-file.ts";
import type { Message } from "../../model/text/chat-template.ts";
import type { Row } from "./example.ts";
import type { Labels } from "./labels.ts";
import { readMessages } from "./messages.ts";
import { fillTextTemplate } from "./placeholders.ts";
import type { Problems } from "./problems.ts";
import type { RawRow } from "./row.ts";
import { askedField, type MessagesShape, type PlainTextShape, type Shape, type TemplateShape } from "./shape.ts";
import type { DataTask } from "./task.ts";
import { tidied } from "./white-space.ts";

/** Asked for with every row. */
const fieldsByShape = new WeakMap<Shape, readonly string[]>();

/** Names of the fields that a shape reads, the label's excluded. */
export function shapeFields(shape: Shape): readonly string[] {
  if (shape.kind === "messages") return [];
  const known = fieldsByShape.get(shape);
  if (known !== undefined) return known;
  const templates = shape.kind === "text" ? [shape.text] : [shape.system, shape.user, shape.assistant];
  const names = new Set(templates.flatMap((template) => template?.fields ?? []));
  if (shape.labelField !== undefined) names.delete("label");
  names.delete(askedField);
  const fields = [...names];
  fieldsByShape.set(shape, fields);
  return fields;
}

/** The value of a field under our name for it. */
export function fieldOf(row: RawRow, name: string, columns: DataOptions["columns"]): unknown {
  const source = Object.hasOwn(columns, name) ? String(columns[name]) : name;
  return Object.hasOwn(row.fields, source) ? row.fields[source] : undefined;
}

/** A cell or member as text: numbers and truth values are written out, anything else is no text. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

export interface RowRules {
  readonly shape: Shape;
  readonly columns: DataOptions["columns"];
  /** Undefined while labels are being collected, and in sets without labels. */
  readonly labels: Labels | undefined;
  readonly task: DataTask;
  /** A row without answer or label is kept (to be predicted), not skipped. */
  readonly answerOptional: boolean;
}

/** Check one row and keep what its shape needs; undefined (and counted) when it cannot be used. */
export function keepRow(raw: RawRow, file: string, rules: RowRules, problems: Problems): Row | undefined {
  const where = `${file}:${raw.line}`;
  const { shape } = rules;
  const row =
    shape.kind === "messages"
      ? keepMessages(raw, file, where, shape, rules, problems)
      : keepValues(raw, file, where, shape, rules, problems);
  const whole = row && weighed(grouped(row, raw, rules), raw, where, rules, problems);
  if (whole === undefined || shape.tidying === undefined) return whole;
  const tidy = tidied(whole, shape.tidying);
  if (tidy !== whole) problems.tidy(where, whiteSpaceChanged);
  return tidy;
}

/** Reason of rows whose white space was collapsed or deleted, as the recipe says. */
export const whiteSpaceChanged = "white space";

/** The row with the groups it is in. */
function grouped(row: Row, raw: RawRow, { task, columns }: RowRules): Row {
  if (task.groupFields === undefined) return row;
  const groups: Record<string, string> = {};
  for (const name of task.groupFields) {
    const value = textOf(fieldOf(raw, name, columns))?.trim() ?? "";
    if (value !== "") groups[name] = value;
  }
  return { ...row, groups };
}

function keepValues(
  raw: RawRow,
  file: string,
  where: string,
  shape: TemplateShape | PlainTextShape,
  rules: RowRules,
  problems: Problems,
): Row | undefined {
  const { columns, answerOptional } = rules;
  const answerFields = shape.kind === "template" ? shape.assistant.fields : [];
  const promptFields = shape.kind === "template" ? shape.user.fields : shape.text.fields;
  const values: Record<string, string> = {};
  for (const name of shapeFields(shape)) {
    const value = textOf(fieldOf(raw, name, columns));
    if (value !== undefined) values[name] = value;
    else if (shape.kind === "template" && name === shape.optionalField) values[name] = "";
    else if (!(answerOptional && answerFields.includes(name) && !promptFields.includes(name))) {
      problems.skip(where, `the field ${name} is missing or is not text`);
      return undefined;
    }
  }
  if (promptFields.length > 0 && promptFields.every((name) => (values[name] ?? "").trim() === "")) {
    problems.skip(where, "the text is empty");
    return undefined;
  }
  return labelled({ file, line: raw.line, values }, raw, where, rules, problems);
}

/** The row with what it counts, where a field says so. */
function weighed(row: Row, raw: RawRow, where: string, rules: RowRules, problems: Problems): Row | undefined {
  const { task, columns, answerOptional } = rules;
  if (task.sampleWeight === undefined) return row;
  const weight = weightOf(fieldOf(raw, task.sampleWeight, columns));
  if (weight !== undefined) return { ...row, weight };
  if (answerOptional) return row;
  problems.skip(where, `${task.sampleWeight} is no number of 0 or more`);
  return undefined;
}

/** The row with its label or labels, where the set has them. */
function labelled(
  row: Omit<Row, "label">,
  raw: RawRow,
  where: string,
  { shape, columns, labels, answerOptional, task }: RowRules,
  problems: Problems,
): Row | undefined {
  if (shape.labelField === undefined) return { ...row, label: undefined };
  const value = fieldOf(raw, shape.labelField, columns);
  if (!task.multiLabel && Array.isArray(value)) {
    problems.skip(where, unexpectedList);
    return undefined;
  }
  const written = task.multiLabel ? textsOf(value) : textOf(value);
  if (written === undefined || (typeof written === "string" && written.trim() === "")) {
    if (answerOptional) return { ...row, label: undefined };
    problems.skip(where, task.multiLabel ? noLabelList : "no label");
    return undefined;
  }
  // The usual row has one label.
  const only = typeof written === "string" ? labels?.indexOf(written) : undefined;
  if (only !== undefined) return { ...row, label: only };
  const indices = [written].flat().map((name) => ({ name, index: labels?.indexOf(name) }));
  const unknown = indices.find(({ index }) => index === undefined);
  if (unknown !== undefined) {
    problems.skip(where, unknownLabel, JSON.stringify(unknown.name));
    return undefined;
  }
  const found = [...new Set(indices.map(({ index }) => index!))].sort((a, b) => a - b);
  return task.multiLabel ? { ...row, label: undefined, labels: found } : { ...row, label: found[0] };
}

/** A list of labels: a JSON list, also as the text of a CSV cell. */
export function textsOf(value: unknown): string[] | undefined {
  const list = typeof value === "string" && value.trimStart().startsWith("[") ? parsedList(value) : value;
  if (!Array.isArray(list)) return undefined;
  const texts = list.map((member) => textOf(member)?.trim());
  return texts.every((text) => text !== undefined && text !== "") ? (texts as string[]) : undefined;
}

function parsedList(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function weightOf(value: unknown): number | undefined {
  const weight = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof weight === "number" && Number.isFinite(weight) && weight >= 0 ? weight : undefined;
}

/** Reason of rows with a list of labels where each should have one label. */
export const unexpectedList = "a list of labels in place of one";

/** Reason of rows without a list of labels where each should have one. */
export const noLabelList = "no list of labels";

/** For a set in which no row has one. */
export function noLabelLists(field: string, where: string): UserError {
  return new UserError({
    code: "data/no-label-lists",
    message: `no row has a list of labels: under ${field} there is something else`,
    where,
    fix: 'write them as a JSON list, such as ["a", "b"], or take problem_type single_label_classification',
  });
}

/** Reason of rows whose label is not in the declared list. */
export const unknownLabel = "a label that is not in the list";

function keepMessages(
  raw: RawRow,
  file: string,
  where: string,
  shape: MessagesShape,
  rules: RowRules,
  problems: Problems,
): Row | undefined {
  const { columns, labels, answerOptional, task } = rules;
  const messages: Message[] = [];
  if (shape.system !== undefined) messages.push({ role: "system", content: shape.system });
  for (const name of shape.fields) {
    const read = readMessages(fieldOf(raw, name, columns));
    if (typeof read === "string") {
      problems.skip(where, read);
      return undefined;
    }
    const hasSystem = shape.system !== undefined && read[0]?.role === "system";
    messages.push(...(hasSystem ? read.slice(1) : read));
  }
  const last = messages.at(-1)!;
  if (last.role !== "assistant" && !answerOptional && !task.classHead) {
    problems.skip(where, "the conversation does not end with an assistant's message");
    return undefined;
  }
  const tools = fieldOf(raw, "tools", columns) as JsonValue | undefined;
  const row = {
    file,
    line: raw.line,
    values: {},
    messages,
    ...(tools === undefined || tools === null ? {} : { tools }),
  };
  if (shape.labelField !== undefined || labels === undefined || last.role !== "assistant") {
    return labelled(row, raw, where, rules, problems);
  }
  const label = labels.names.findIndex((name) => fillTextTemplate(shape.answer, () => name) === last.content.trim());
  if (label >= 0) return { ...row, label };
  problems.skip(where, unknownLabel, JSON.stringify(last.content));
  return undefined;
}
