/** The shapes that rows can be written in: the inverse of reading them, where that loses nothing. */
import type { JsonValue } from "../../model/files/json-file.ts";
import type { Message } from "../../model/text/chat-template.ts";

export const targetShapes = ["messages", "sharegpt", "prompt-completion", "alpaca", "text-label"] as const;
export type TargetShape = (typeof targetShapes)[number];

/** A row as it was read: a conversation or plain text, and its labels where it has several. */
export interface SourceRow {
  readonly messages?: readonly Message[] | undefined;
  readonly tools?: JsonValue | undefined;
  readonly text?: string | undefined;
  readonly labels?: readonly string[] | undefined;
  /** Instruction and input, of rows that have them apart. */
  readonly instruction?: { readonly instruction: string; readonly input: string } | undefined;
}

export type Fields = Readonly<Record<string, unknown>>;

/** A row in another shape, or why that shape cannot hold it. */
export function writeAs(target: TargetShape, row: SourceRow, prompts: "texts" | "lists"): Fields | string {
  if (row.labels !== undefined && target !== "text-label") return "several labels, which only text-label holds";
  if (target === "text-label") return asTextLabel(row);
  if (row.messages === undefined) return "plain text, which has no turns";
  switch (target) {
    case "messages":
      return { messages: row.messages, ...toolsOf(row) };
    case "sharegpt":
      return asShareGpt(row.messages, row);
    case "prompt-completion":
      return prompts === "lists" ? asLists(row.messages, row) : asTexts(row);
    case "alpaca":
      return asAlpaca(row);
  }
}

/** Whether a row is more than one question and its answer in plain words, which prompts as texts cannot hold. */
export function needsLists(row: SourceRow): boolean {
  return row.messages !== undefined && typeof questionOf(row) === "string";
}

const shareGptRoles: Readonly<Record<string, string>> = {
  system: "system",
  user: "human",
  assistant: "gpt",
  tool: "tool",
};

function asShareGpt(messages: readonly Message[], row: SourceRow): Fields | string {
  if (messages.some((message) => Object.keys(message).length > 2)) return moreThanText;
  const conversations = messages.map(({ role, content }) => ({ from: shareGptRoles[role] ?? role, value: content }));
  return { conversations, ...toolsOf(row) };
}

function asLists(messages: readonly Message[], row: SourceRow): Fields | string {
  if (messages.length < 2 || messages.at(-1)!.role !== "assistant") return noAnswer;
  return { prompt: messages.slice(0, -1), completion: messages.slice(-1), ...toolsOf(row) };
}

function asTexts(row: SourceRow): Fields | string {
  const question = questionOf(row);
  return typeof question === "string" ? question : { prompt: question.user, completion: question.assistant };
}

function asAlpaca(row: SourceRow): Fields | string {
  const question = questionOf(row);
  if (typeof question === "string") return question;
  const { instruction, input } = row.instruction ?? { instruction: question.user, input: "" };
  return { instruction, input, output: question.assistant };
}

function asTextLabel(row: SourceRow): Fields | string {
  if (row.text !== undefined) return { text: row.text, ...(row.labels && { labels: row.labels }) };
  const { messages = [] } = row;
  if (messages.length === 1 && messages[0]!.role === "user" && row.tools === undefined) {
    return { text: messages[0]!.content, ...(row.labels && { labels: row.labels }) };
  }
  const question = questionOf(row);
  return typeof question === "string" ? question : { text: question.user, label: question.assistant };
}

const noAnswer = "no answer";
const moreThanText = "messages with tool calls or other members beside their text";

/** The question and its answer, or what else there is. */
function questionOf({ messages = [], tools }: SourceRow): { user: string; assistant: string } | string {
  if (messages.length === 0) return "plain text, which has no turns";
  if (tools !== undefined) return "tools";
  if (messages.some((message) => Object.keys(message).length > 2)) return moreThanText;
  if (messages[0]!.role === "system") return "a system message";
  const [question, answer, ...more] = messages;
  if (more.length > 0) return "more than one question and its answer";
  if (question!.role !== "user" || answer?.role !== "assistant") return noAnswer;
  return { user: question!.content, assistant: answer.content };
}

function toolsOf({ tools }: SourceRow): { readonly tools?: JsonValue } {
  return tools === undefined ? {} : { tools };
}
