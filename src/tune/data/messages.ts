import type { JsonValue } from "../../model/files/json-file.ts";
import type { Message } from "../../model/text/chat-template.ts";

/** ShareGPT's names for roles, and those of other collections that follow it. */
const roles: ReadonlyMap<string, string> = new Map([
  ["system", "system"],
  ["user", "user"],
  ["human", "user"],
  ["assistant", "assistant"],
  ["gpt", "assistant"],
  ["chatgpt", "assistant"],
  ["model", "assistant"],
  ["tool", "tool"],
]);

/**
 * Turns from `[{role, content}]`, or ShareGPT's `[{from, value}]`. Content given in parts (`[{type: "text", text}]`) is
 * joined.
 * @returns the messages, or what is wrong with them
 */
export function readMessages(value: unknown): readonly Message[] | string {
  if (!Array.isArray(value)) return "messages are not a list";
  if (value.length === 0) return "no messages";
  const messages: Message[] = [];
  for (const item of value as readonly unknown[]) {
    if (typeof item !== "object" || item === null) return "a message is not an object";
    const { from, value: said, ...rest } = item as Record<string, JsonValue>;
    const givenRole = rest.role ?? from;
    const role = typeof givenRole === "string" ? roles.get(givenRole) : undefined;
    if (role === undefined) return "a message has no role, or one that is none of system, user, assistant, tool";
    const content = readContent(rest.content ?? said);
    if (content !== undefined) messages.push({ ...rest, role, content });
    else if (Array.isArray(rest.tool_calls)) messages.push({ ...rest, role, content: "" });
    else return "a message has no text content";
  }
  return messages;
}

function readContent(content: JsonValue | undefined): string | undefined {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return undefined;
  const texts = content.map((part) => (part as { text?: unknown } | null)?.text);
  return texts.every((text) => typeof text === "string") ? texts.join("") : undefined;
}
