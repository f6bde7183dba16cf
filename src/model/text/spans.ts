import { UserError } from "../../base/errors.ts";
import { type AnswerSpan, answerSpan, promptEnd } from "./answer-span.ts";
import type { ChatTemplate, Message, RenderOptions } from "./chat-template.ts";
import type { Encoding } from "./encoding.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Which tokens are learnt: the assistant's, each with its end of turn, or all. */
export type LossOn = "assistant" | "all";

export interface SupervisedOptions {
  readonly kwargs?: NonNullable<RenderOptions["kwargs"]>;
  readonly lossOn?: LossOn;
}

export interface Supervised {
  readonly text: string;
  readonly ids: Int32Array;
  /** Per token: 1 when the model is to predict it. */
  readonly supervised: Uint8Array;
}

/**
 * Renders a conversation and marks the tokens to learn. An answer reaches from the end of the generation prompt through
 * the token that ends its turn; a token that overlaps the answer belongs to it.
 * @throws UserError when there is nothing to learn, or the template refuses the conversation.
 */
export function renderSupervised(
  template: ChatTemplate,
  tokenizer: Tokenizer,
  messages: readonly Message[],
  { kwargs = {}, lossOn = "assistant" }: SupervisedOptions = {},
): Supervised {
  const text = template.render(messages, { kwargs });
  const encoding = tokenizer.encode(text);
  const supervised = new Uint8Array(encoding.ids.length);
  if (lossOn === "all") {
    supervised.fill(1);
  } else {
    for (const [index, { role }] of messages.entries()) {
      // "model" is how Gemma's own data names the role; its template accepts both.
      if (role !== "assistant" && role !== "model") continue;
      const begin = promptEnd(template, messages, index, text, kwargs);
      const end = begin === undefined ? undefined : obviousEnd(tokenizer, text, encoding, begin, messages.slice(index));
      if (begin !== undefined && end !== undefined) {
        markRange(encoding, begin, end, supervised);
      } else {
        const span = answerSpan(template, messages, index, text, begin, kwargs);
        markRange(encoding, span.begin, endOfTurn(tokenizer, encoding, span), supervised);
      }
    }
  }
  if (!supervised.includes(1)) {
    throw new UserError({
      code: "chat/nothing-to-learn",
      message: "the conversation has no answer to learn",
      fix: 'every conversation needs a message with the role "assistant"',
    });
  }
  return { text, ids: encoding.ids, supervised };
}

/**
 * Renders a conversation up to where the model answers, for generation. To score a given answer, render it with
 * `renderSupervised` instead: its tokens are then those of training, also where prompt and answer share a token.
 */
export function renderPrompt(
  template: ChatTemplate,
  tokenizer: Tokenizer,
  messages: readonly Message[],
  { kwargs = {} }: Pick<SupervisedOptions, "kwargs"> = {},
): { readonly text: string; readonly ids: Int32Array } {
  const text = template.render(messages, { addGenerationPrompt: true, kwargs });
  return { text, ids: tokenizer.encode(text).ids };
}

/**
 * The end of the last turn when there can be no doubt: after the prompt stands a single special token, and the whole
 * content before it. Rendering is what takes time, and this saves a third of it for the usual row.
 */
function obviousEnd(
  tokenizer: Tokenizer,
  text: string,
  { ids, offsets }: Encoding,
  begin: number,
  [message, ...following]: readonly Message[],
): number | undefined {
  if (message === undefined || following.length > 0 || typeof message.content !== "string") return undefined;
  let closing: number | undefined;
  for (let i = ids.length - 1; i >= 0 && offsets[2 * i]! >= begin; i--) {
    if (!tokenizer.isSpecial(ids[i]!)) continue;
    if (closing !== undefined) return undefined;
    closing = i;
  }
  if (closing === undefined) return undefined;
  const answer = text.slice(begin, offsets[2 * closing]);
  return answer.endsWith(message.content.trim()) ? offsets[2 * closing + 1] : undefined;
}

/**
 * End of the token that closes the turn: the first special token after the content (`<|im_end|>`, not the line break
 * behind it), or an added token where no special one is, or the end of the turn's text. Where the content's end is not
 * known it is the last special token of the turn.
 */
function endOfTurn(
  tokenizer: Tokenizer,
  { ids, offsets }: Encoding,
  { begin, contentEnd, turnEnd }: AnswerSpan,
): number {
  let added: number | undefined;
  let lastSpecial: number | undefined;
  for (let i = 0; i < ids.length; i++) {
    if (offsets[2 * i]! < contentEnd || offsets[2 * i + 1]! > turnEnd) continue;
    if (tokenizer.isSpecial(ids[i]!)) {
      if (contentEnd > begin) return offsets[2 * i + 1]!;
      lastSpecial = offsets[2 * i + 1]!;
    } else if (tokenizer.isAdded(ids[i]!)) {
      added ??= offsets[2 * i + 1]!;
    }
  }
  return lastSpecial ?? added ?? turnEnd;
}

function markRange({ offsets }: Encoding, begin: number, end: number, supervised: Uint8Array): void {
  for (let i = 0; i < supervised.length; i++) {
    if (offsets[2 * i]! < end && offsets[2 * i + 1]! > begin) supervised[i] = 1;
  }
}
