import { UserError } from "../../base/errors.ts";
import type { ChatTemplate, Message, RenderOptions } from "./chat-template.ts";

/** Private-use characters: no template treats them specially and no text holds this sequence. */
const SENTINEL = "\ue000\ue0f1\ue000";

/** Character range of one assistant message in the rendered conversation. */
export interface AnswerSpan {
  /** Where the model takes over: the end of the generation prompt. */
  readonly begin: number;
  /** Where the message's content ends. */
  readonly contentEnd: number;
  /** Where the turn ends, with everything that closes it. */
  readonly turnEnd: number;
}

/**
 * Finds what the template printed for an assistant message by rendering alone, never by looking for markers, so that it
 * holds for every template and for content that looks like markup.
 *
 * - `begin`: the conversation before the message, rendered with a generation prompt, when the whole text begins with
 *   that; otherwise (the template prints old turns differently) where a sentinel put in place of the content appears.
 * - `contentEnd`: what follows the sentinel must also end the whole text.
 * - `turnEnd`: what follows the sentinel when the conversation stops after the message.
 *
 * @param text the whole conversation, rendered.
 * @param promptEnd what `promptEnd` found for the same message.
 */
export function answerSpan(
  template: ChatTemplate,
  messages: readonly Message[],
  index: number,
  text: string,
  promptEnd: number | undefined,
  kwargs: NonNullable<RenderOptions["kwargs"]>,
): AnswerSpan {
  const isLast = index === messages.length - 1;
  const around = aroundContent(template, messages, index, kwargs);
  const begin = promptEnd ?? (around === undefined ? undefined : commonPrefix(text, around.before));
  if (begin === undefined) throw noSpan(template, index);
  if (around === undefined || !text.endsWith(around.after) || text.length - around.after.length < begin) {
    // The template does not print the content as it is (only tool calls, for one): the turn's end is all there is.
    const turnEnd = isLast ? text.length : endOfPrefix(template, messages.slice(0, index + 1), text, kwargs);
    if (turnEnd === undefined || turnEnd < begin) throw noSpan(template, index);
    return { begin, contentEnd: begin, turnEnd };
  }
  const contentEnd = text.length - around.after.length;
  if (isLast) return { begin, contentEnd, turnEnd: text.length };
  const alone = aroundContent(template, messages.slice(0, index + 1), index, kwargs);
  const closing = alone === undefined ? 0 : commonPrefix(around.after, alone.after);
  return { begin, contentEnd, turnEnd: contentEnd + closing };
}

/** Length of the conversation before a message with a generation prompt, when the whole text begins with that. */
export function promptEnd(
  template: ChatTemplate,
  messages: readonly Message[],
  index: number,
  text: string,
  kwargs: NonNullable<RenderOptions["kwargs"]>,
): number | undefined {
  const prompt = tryRender(template, messages.slice(0, index), { addGenerationPrompt: true, kwargs });
  return prompt !== undefined && text.startsWith(prompt) ? prompt.length : undefined;
}

/** What is printed before and after the content of a message. */
function aroundContent(
  template: ChatTemplate,
  messages: readonly Message[],
  index: number,
  kwargs: NonNullable<RenderOptions["kwargs"]>,
): { before: string; after: string } | undefined {
  const marked = messages.map((message, i) => (i === index ? { ...message, content: SENTINEL } : message));
  const text = tryRender(template, marked, { kwargs });
  const at = text?.indexOf(SENTINEL) ?? -1;
  if (text === undefined || at < 0) return undefined;
  return { before: text.slice(0, at), after: text.slice(at + SENTINEL.length) };
}

function endOfPrefix(
  template: ChatTemplate,
  messages: readonly Message[],
  text: string,
  kwargs: NonNullable<RenderOptions["kwargs"]>,
): number | undefined {
  const prefix = tryRender(template, messages, { kwargs });
  return prefix !== undefined && text.startsWith(prefix) ? prefix.length : undefined;
}

/** Templates may refuse a part of a conversation that they accept as a whole. */
function tryRender(template: ChatTemplate, messages: readonly Message[], options: RenderOptions): string | undefined {
  try {
    return template.render(messages, options);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function commonPrefix(a: string, b: string): number {
  const limit = Math.min(a.length, b.length);
  let length = 0;
  while (length < limit && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}

function noSpan(template: ChatTemplate, index: number): UserError {
  return new UserError({
    code: "chat/no-span",
    message: `the chat template does not show where the answer of message ${index + 1} stands in its text`,
    where: template.where,
    fix: 'train on all tokens (loss on "all"), or use another template',
  });
}
