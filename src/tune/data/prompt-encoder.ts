/** What a class head reads: a text, or a conversation up to where the assistant would answer. */
import { UserError } from "../../base/errors.ts";
import type { ConversationEncoder } from "./conversation-encoder.ts";
import type { Example } from "./example.ts";
import type { EncodedExample } from "./pack.ts";

/**
 * Texts are tokenised as transformers does, with the tokens that the tokenizer puts around a text; conversations as the
 * chat template renders them with its generation prompt. Of a model without a chat template, a message and what the system
 * says before it are a text. The last token is where a decoder's head reads.
 * @throws UserError when there is no token, or a conversation needs a chat template
 */
export function encodeForHead(example: Example, encoder: ConversationEncoder): EncodedExample {
  const ids =
    example.kind === "text" ? encoder.tokenizer.encodeWithSpecial(example.text).ids : encodePrompt(example, encoder);
  if (ids.length === 0) {
    throw new UserError({ code: "data/no-tokens", message: "the row has no tokens", fix: "leave the row out" });
  }
  const length = readLength(ids, encoder.tokenizer.padId);
  const supervised = new Uint8Array(length);
  supervised[length - 1] = 1;
  return { ids: Int32Array.from(ids.subarray(0, length)), supervised, labels: [] };
}

/** transformers' classifiers read a text at its last token that is no padding: what follows it is not read. */
function readLength(ids: Int32Array, pad: number | undefined): number {
  let { length } = ids;
  while (length > 1 && ids[length - 1] === pad) length--;
  return length;
}

function encodePrompt(
  { messages, tools }: Extract<Example, { kind: "conversation" }>,
  encoder: ConversationEncoder,
): Int32Array {
  const { tokenizer, options } = encoder;
  const isText = messages.at(-1)?.role === "user" && messages.slice(0, -1).every(({ role }) => role === "system");
  if (encoder.templateIfAny === undefined && isText && tools === undefined) {
    return tokenizer.encodeWithSpecial(messages.map(({ content }) => content).join("\n\n")).ids;
  }
  const kwargs = tools === undefined ? options.kwargs : { ...options.kwargs, tools };
  return tokenizer.encode(encoder.template.render(messages, { addGenerationPrompt: true, kwargs })).ids;
}
