import { ChatTemplate } from "../../model/text/chat-template.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import { ConversationEncoder, type EncoderOptions } from "./conversation-encoder.ts";

/** What an encoder is made of, in a form that can be copied from thread to thread. */
export interface EncoderOrigin {
  /** Folder of the tokenizer. */
  readonly tokenizer: string;
  readonly template: Pick<ChatTemplate, "source" | "where" | "specialTokens" | "now"> | undefined;
  readonly options: EncoderOptions;
}

/** Undefined for an encoder whose tokenizer is of no folder. */
export function originOf({ tokenizer, templateIfAny, options }: ConversationEncoder): EncoderOrigin | undefined {
  if (tokenizer.folder === undefined) return undefined;
  const { source, where, specialTokens, now } = templateIfAny ?? {};
  const template = templateIfAny && { source: source!, where: where!, specialTokens: specialTokens!, now: now! };
  return { tokenizer: tokenizer.folder, template, options };
}

/** An encoder that does the same. @throws UserError when the tokenizer cannot be read any more */
export function encoderFrom({ tokenizer, template, options }: EncoderOrigin): ConversationEncoder {
  const { source, where, specialTokens, now } = template ?? {};
  const chat = template && new ChatTemplate(source!, where!, specialTokens!, now!);
  return new ConversationEncoder(chat, loadTokenizer(tokenizer), options);
}
