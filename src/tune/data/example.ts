import type { JsonValue } from "../../model/files/json-file.ts";
import type { Message } from "../../model/text/chat-template.ts";
import { fillTextTemplate, type TextTemplate } from "./placeholders.ts";
import { documentFields, type Shape, type TemplateShape } from "./shape.ts";

/** What a model learns from or answers: a conversation, or text without turns. */
export type Example =
  | { readonly kind: "conversation"; readonly messages: readonly Message[]; readonly tools?: JsonValue }
  | { readonly kind: "text"; readonly text: string };

/** What of a row decides what it counts. */
export interface RowMarks {
  /** Index of its label, undefined in sets without labels and for rows that come without one. */
  readonly label: number | undefined;
  /** Indices of its labels, ascending, in sets whose rows have several. */
  readonly labels?: readonly number[];
  /** Index of the label that it asks about, where each label of a row is a question of its own. */
  readonly asked?: number;
  /** What it counts in the loss; default 1. */
  readonly weight?: number;
}

/** What is kept of a row: its place and label, and the values that its shape uses. */
export interface Row extends RowMarks {
  readonly file: string;
  readonly line: number;
  /** Values of the shape's fields by name; the label is not among them. */
  readonly values: Readonly<Record<string, string>>;
  /** For rows that hold their conversation. */
  readonly messages?: readonly Message[];
  readonly tools?: JsonValue;
  /** The groups it is in: values of the fields that name one, where it has them. */
  readonly groups?: Readonly<Record<string, string>>;
}

/**
 * The example of a row. Without a label to answer with, and where a class head answers, the conversation ends before the
 * assistant's turn.
 */
export function exampleOf(row: Row, shape: Shape, labelNames: readonly string[]): Example {
  if (shape.kind === "messages") {
    const answered = shape.forHead && row.messages!.at(-1)!.role === "assistant";
    return conversation(answered ? row.messages!.slice(0, -1) : row.messages!, row.tools);
  }
  if (shape.kind === "text") return { kind: "text", text: fill(shape.text, row, undefined) };
  const name = row.label === undefined ? undefined : labelNames[row.label];
  const prompt = promptMessages(row, shape, name);
  const answered = shape.assistant.fields.every((field) => isKnown(field, row, shape, name));
  if (!answered || shape.forHead) return conversation(prompt, undefined);
  return conversation([...prompt, { role: "assistant", content: fill(shape.assistant, row, name) }], undefined);
}

/** What an assistant would write for a label. */
export function answerOf(row: Row, shape: Shape, labelName: string): string {
  if (shape.kind === "text") return labelName;
  return shape.kind === "messages"
    ? fillTextTemplate(shape.answer, () => labelName)
    : fill(shape.assistant, row, labelName);
}

/** The part of a row that may be cut: what is asked about, never what is answered. */
export interface RowDocument {
  readonly text: string;
  /** The row with another text in its place. */
  readonly replacedBy: (text: string) => Row;
}

/**
 * The document of a row: the named field, or (`auto`) the longest field of the user's message that is not also in the
 * answer; the longest user message of a row that holds its conversation. Undefined when there is none.
 */
export function documentOf(row: Row, shape: Shape, cutField: string): RowDocument | undefined {
  if (shape.kind === "messages") {
    const messages = row.messages!;
    const lengths = messages.map(({ role, content }) => (role === "user" ? content.length : 0));
    const at = lengths.indexOf(Math.max(...lengths));
    const message = messages[at]!;
    if (message.role !== "user") return undefined;
    const replacedBy = (text: string): Row => ({ ...row, messages: messages.with(at, { ...message, content: text }) });
    return { text: message.content, replacedBy };
  }
  const candidates = cutField === "auto" ? documentFields(shape) : [cutField];
  const length = (field: string): number => row.values[field]?.length ?? 0;
  const field = candidates.toSorted((a, b) => length(b) - length(a))[0];
  if (field === undefined) return undefined;
  const replacedBy = (text: string): Row => ({ ...row, values: { ...row.values, [field]: text } });
  return { text: row.values[field] ?? "", replacedBy };
}

function promptMessages(row: Row, shape: TemplateShape, labelName: string | undefined): readonly Message[] {
  const without = shape.optionalField !== undefined && (row.values[shape.optionalField] ?? "").trim() === "";
  const user = without ? (shape.userWithout ?? shape.user) : shape.user;
  const system = shape.system === undefined ? [] : [{ role: "system", content: fill(shape.system, row, labelName) }];
  return [...system, { role: "user", content: fill(user, row, labelName) }];
}

function conversation(messages: readonly Message[], tools: JsonValue | undefined): Example {
  return tools === undefined ? { kind: "conversation", messages } : { kind: "conversation", messages, tools };
}

function isKnown(field: string, row: Row, shape: Shape, labelName: string | undefined): boolean {
  return field === "label" && shape.labelField !== undefined
    ? labelName !== undefined
    : Object.hasOwn(row.values, field);
}

function fill(template: TextTemplate, row: Row, labelName: string | undefined): string {
  return fillTextTemplate(template, (field) => row.values[field] ?? (field === "label" ? labelName : undefined) ?? "");
}
