import type { JsonValue } from "../../model/files/json-file.ts";
import type { Message } from "../../model/text/chat-template.ts";
import type { ConversationEncoder } from "./conversation-encoder.ts";
import { type CutOptions, charactersOf, cutToFit } from "./cut.ts";
import type { Dataset } from "./dataset.ts";
import type { Example, Row } from "./example.ts";
import type { EncodedExample } from "./pack.ts";

/** A row up to where the model answers. */
export interface Prompt {
  readonly messages: readonly Message[];
  readonly tools?: JsonValue;
  /** Whether the document had to be cut for the longest answer to fit. */
  readonly cut: boolean;
  /** The conversation with an answer, as training would encode it. */
  readonly encode: (answer: string) => EncodedExample;
}

/**
 * The prompt of a row, with its document cut so that any of the answers fits behind it.
 * @param answers what the assistant may write, at least one; for free generation, a text as long as may be generated
 * @returns undefined when it does not fit however much is cut, and for sets of plain text, which have no answers
 */
export function promptOf(
  dataset: Dataset,
  index: number,
  answers: readonly string[],
  encoder: ConversationEncoder,
  options: CutOptions,
): Prompt | undefined {
  const { shape } = dataset;
  if (shape.kind === "text") return undefined;
  const [first = "", ...others] = answers;
  const encode = ({ messages, tools }: Conversation, answer: string): EncodedExample =>
    encoder.encode([...messages, { role: "assistant", content: answer }], tools);
  const conversationOf = (row: Row): Conversation => withoutAnswer(dataset.example(index, row));
  /** The first answer is what callers begin with: it has been encoded already. */
  const promptFrom = (conversation: Conversation, encoded: EncodedExample, cut: boolean): Prompt => ({
    ...conversation,
    cut,
    encode: (answer) => (answer === first ? encoded : encode(conversation, answer)),
  });

  const tokensOf = (answer: string): number => encoder.tokenizer.encode(answer).ids.length;
  const longer = Math.max(0, ...others.map(tokensOf)) - tokensOf(first);
  const maxLength = options.maxLength - Math.max(0, longer);
  const row = dataset.row(index);
  const conversation = conversationOf(row);
  if (charactersOf({ kind: "conversation", ...conversation }) <= maxLength * encoder.longestToken) {
    const whole = encode(conversation, first);
    if (whole.ids.length <= maxLength) return promptFrom(conversation, whole, false);
  }
  const encodeFirst = (shorter: Row): EncodedExample => encode(conversationOf(shorter), first);
  const cut = cutToFit(row, shape, encodeFirst, encoder, { ...options, maxLength });
  return cut && promptFrom(conversationOf(cut.row), cut.encoded, true);
}

interface Conversation {
  readonly messages: readonly Message[];
  readonly tools?: JsonValue;
}

function withoutAnswer(example: Example): Conversation {
  if (example.kind === "text") return { messages: [] };
  const { messages, tools } = example;
  const asked = messages.at(-1)?.role === "assistant" ? messages.slice(0, -1) : messages;
  return tools === undefined ? { messages: asked } : { messages: asked, tools };
}
