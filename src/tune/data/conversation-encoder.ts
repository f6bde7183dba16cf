import { UserError } from "../../base/errors.ts";
import type { JsonObject, JsonValue } from "../../model/files/json-file.ts";
import type { ChatTemplate, Message } from "../../model/text/chat-template.ts";
import type { Encoding } from "../../model/text/encoding.ts";
import { type LossOn, renderSupervised } from "../../model/text/spans.ts";
import type { Tokenizer } from "../../model/text/tokenizer.ts";
import type { EncodedExample } from "./pack.ts";

export interface EncoderOptions {
  readonly kwargs: Readonly<JsonObject>;
  readonly lossOn: LossOn;
}

/** What a template prints around the last answer of conversations with the same roles, and what of it is learnt. */
interface Surroundings {
  /** Between the content of the message before the answer and the answer's. */
  readonly before: string;
  readonly after: string;
  /** Where learning begins, in characters before the answer's content. */
  readonly lead: number;
  /** Where learning ends, in characters after the answer's content. */
  readonly trail: number;
}

/**
 * Conversations to tokens, with the same result as `renderSupervised` for each of them, at a third of its cost.
 *
 * Finding an answer's span takes two more renderings than the text itself. What they find depends on the roles, not on
 * what is said, as long as the template prints the last two contents as they are; each text is checked for that, and
 * every conversation for which it does not hold (contents that are trimmed or rewritten, several answers, tools) goes
 * the long way.
 */
export class ConversationEncoder {
  readonly tokenizer: Tokenizer;
  readonly options: EncoderOptions;
  readonly #template: ChatTemplate | undefined;
  readonly #surroundings = new Map<string, Surroundings | undefined>();
  #longestToken = 0;

  /** @param template undefined for models without one, which can only take plain text */
  constructor(template: ChatTemplate | undefined, tokenizer: Tokenizer, options: EncoderOptions) {
    this.#template = template;
    this.tokenizer = tokenizer;
    this.options = options;
  }

  get templateIfAny(): ChatTemplate | undefined {
    return this.#template;
  }

  /** @throws UserError when the model has no chat template */
  get template(): ChatTemplate {
    if (this.#template !== undefined) return this.#template;
    throw new UserError({
      code: "chat/no-template",
      message: "the model has no chat template, which conversations need",
      fix: "take an instruction-tuned base, or give plain text: template.text",
    });
  }

  /** Characters of the longest token in the vocabulary: no token of a text stands for more. */
  get longestToken(): number {
    if (this.#longestToken === 0) {
      for (let id = 0; id < this.tokenizer.vocabSize; id++) {
        this.#longestToken = Math.max(this.#longestToken, this.tokenizer.token(id)?.length ?? 0);
      }
    }
    return this.#longestToken;
  }

  /** Plain text: with the tokens that the tokenizer puts around a text, and the end of text. All of it is learnt. */
  encodeText(text: string): EncodedExample {
    const { eosId } = this.tokenizer;
    const tokens = this.tokenizer.encodeWithSpecial(text).ids;
    const ends = eosId === undefined || tokens.at(-1) === eosId;
    const ids = new Int32Array(tokens.length + (ends ? 0 : 1));
    ids.set(tokens);
    if (!ends) ids[tokens.length] = eosId;
    return { ids, supervised: new Uint8Array(ids.length).fill(1) };
  }

  /** @throws UserError when there is nothing to learn, or the template refuses the conversation */
  encode(messages: readonly Message[], tools?: JsonValue): EncodedExample {
    const kwargs = tools === undefined ? this.options.kwargs : { ...this.options.kwargs, tools };
    const { lossOn } = this.options;
    const isSimple = lossOn === "assistant" && tools === undefined && isSingleAnswer(messages);
    if (!isSimple) return renderSupervised(this.template, this.tokenizer, messages, { kwargs, lossOn });

    const roles = messages.map(({ role }) => role).join(" ");
    const known = this.#surroundings.get(roles);
    const quick = known === undefined ? undefined : this.#encodeWithin(known, messages);
    if (quick !== undefined) return quick;
    const { text, ids, supervised } = renderSupervised(this.template, this.tokenizer, messages, { kwargs, lossOn });
    this.#surroundings.set(roles, this.#findSurroundings(messages, text, supervised));
    return { ids, supervised };
  }

  #encodeWithin(known: Surroundings, messages: readonly Message[]): EncodedExample | undefined {
    const text = this.template.render(messages, { kwargs: this.options.kwargs });
    const [previous, answer] = [messages.at(-2)!.content, messages.at(-1)!.content];
    if (!text.endsWith(previous + known.before + answer + known.after)) return undefined;
    const contentEnd = text.length - known.after.length;
    const encoding = this.tokenizer.encodeOnce(text);
    // A token across the content's end would mean that the end of turn is not read as it was before.
    if (!startsToken(encoding, contentEnd)) return undefined;
    const supervised = mark(encoding, contentEnd - answer.length - known.lead, contentEnd + known.trail);
    return { ids: encoding.ids.slice(), supervised };
  }

  #findSurroundings(messages: readonly Message[], text: string, supervised: Uint8Array): Surroundings | undefined {
    const { kwargs } = this.options;
    const prompt = this.template.render(messages.slice(0, -1), { addGenerationPrompt: true, kwargs });
    const [previous, answer] = [messages.at(-2)!.content, messages.at(-1)!.content];
    const previousBegin = prompt.lastIndexOf(previous);
    const contentBegin = text.lastIndexOf(answer);
    const contentEnd = contentBegin + answer.length;
    if (!text.startsWith(prompt) || previousBegin < 0 || contentBegin < prompt.length) return undefined;
    const encoding = this.tokenizer.encode(text);
    const end = encoding.offsets[2 * supervised.lastIndexOf(1) + 1]!;
    if (!startsToken(encoding, contentEnd) || !equal(mark(encoding, prompt.length, end), supervised)) return undefined;
    return {
      before: text.slice(previousBegin + previous.length, contentBegin),
      after: text.slice(contentEnd),
      lead: contentBegin - prompt.length,
      trail: end - contentEnd,
    };
  }
}

/** Whether the only answer is the last message, and every message is plain text. */
function isSingleAnswer(messages: readonly Message[]): boolean {
  const last = messages.length - 1;
  return (
    last > 0 &&
    messages.every((message, i) => (message.role === "assistant") === (i === last) && Object.keys(message).length === 2)
  );
}

/** 1 for the tokens that overlap a range of characters. */
function mark({ ids, offsets }: Encoding, begin: number, end: number): Uint8Array {
  const marked = new Uint8Array(ids.length);
  for (let i = ids.length - 1; i >= 0 && offsets[2 * i + 1]! > begin; i--) if (offsets[2 * i]! < end) marked[i] = 1;
  return marked;
}

function startsToken({ ids, offsets }: Encoding, at: number): boolean {
  for (let i = ids.length - 1; i >= 0 && offsets[2 * i]! >= at; i--) if (offsets[2 * i] === at) return true;
  return false;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
