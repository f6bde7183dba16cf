import type { DataOptions } from "../../base/recipe/recipe.ts";
import type { JsonValue } from "../../model/files/json-file.ts";
import type { Message } from "../../model/text/chat-template.ts";
import type { Row } from "./example.ts";
import type { Labels } from "./labels.ts";
import { readMessages } from "./messages.ts";
import { fillTextTemplate } from "./placeholders.ts";
import type { Problems } from "./problems.ts";
import type { RawRow } from "./row.ts";
import type { MessagesShape, PlainTextShape, Shape, TemplateShape } from "./shape.ts";

/** Names of the fields that a shape reads, the label's excluded. */
export function shapeFields(shape: Shape): readonly string[] {
  if (shape.kind === "messages") return [];
  const templates = shape.kind === "text" ? [shape.text] : [shape.system, shape.user, shape.assistant];
  const names = new Set(templates.flatMap((template) => template?.fields ?? []));
  if (shape.labelField !== undefined) names.delete("label");
  return [...names];
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
  /** A row without answer or label is kept (to be predicted), not skipped. */
  readonly answerOptional: boolean;
}

/** Check one row and keep what its shape needs; undefined (and counted) when it cannot be used. */
export function keepRow(raw: RawRow, file: string, rules: RowRules, problems: Problems): Row | undefined {
  const where = `${file}:${raw.line}`;
  const { shape } = rules;
  return shape.kind === "messages"
    ? keepMessages(raw, file, where, shape, rules, problems)
    : keepValues(raw, file, where, shape, rules, problems);
}

function keepValues(
  raw: RawRow,
  file: string,
  where: string,
  shape: TemplateShape | PlainTextShape,
  { columns, labels, answerOptional }: RowRules,
  problems: Problems,
): Row | undefined {
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
  if (shape.labelField === undefined) return { file, line: raw.line, label: undefined, values };

  const written = textOf(fieldOf(raw, shape.labelField, columns));
  if (written === undefined || written.trim() === "") {
    if (answerOptional) return { file, line: raw.line, label: undefined, values };
    problems.skip(where, "no label");
    return undefined;
  }
  const label = labels?.indexOf(written);
  if (label !== undefined) return { file, line: raw.line, label, values };
  problems.skip(where, unknownLabel, JSON.stringify(written));
  return undefined;
}

/** Reason of rows whose label is not in the declared list. */
export const unknownLabel = "a label that is not in the list";

function keepMessages(
  raw: RawRow,
  file: string,
  where: string,
  shape: MessagesShape,
  { columns, labels, answerOptional }: RowRules,
  problems: Problems,
): Row | undefined {
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
  if (last.role !== "assistant" && !answerOptional) {
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
  if (labels === undefined || last.role !== "assistant") return { ...row, label: undefined };
  const label = labels.names.findIndex((name) => fillTextTemplate(shape.answer, () => name) === last.content.trim());
  if (label >= 0) return { ...row, label };
  problems.skip(where, unknownLabel, JSON.stringify(last.content));
  return undefined;
}
