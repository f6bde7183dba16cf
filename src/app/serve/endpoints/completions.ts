/** https://platform.openai.com/docs/api-reference/completions */
import type { Tokenizer } from "../../../model/text/tokenizer.ts";
import type { GeneratedToken } from "../../../tune/score/generation-request.ts";
import { tokenText } from "../../../tune/score/token-text.ts";
import { Choices } from "../choices.ts";
import { invalid } from "../http/api-error.ts";
import type { Endpoint } from "../http/endpoint.ts";
import type { Exchange } from "../http/exchange.ts";
import { type CompletionRequest, parseCompletionRequest } from "../requests/completion-request.ts";
import { samplingOf } from "../requests/sampling-fields.ts";
import { roomFor } from "../room-for.ts";
import type { ServedModel } from "../served-model.ts";
import { requireChoices } from "../server-state.ts";
import { usageOf } from "../usage.ts";

export const completions: Endpoint = {
  method: "POST",
  path: "/v1/completions",
  access: "key",
  asksModel: true,
  async answer(exchange, state) {
    const request = parseCompletionRequest(exchange.body);
    const model = state.models.get(request.model);
    exchange.noted.model = model.id;
    model.requireWords();
    requireChoices(request.n, state.limits);
    if (request.echo && request.logprobs !== undefined) {
      throw invalid("logprobs", "logprobs of the prompt (echo) are not supported", "unsupported_parameter");
    }
    const prompts = promptsOf(request, model);
    if (prompts.length > state.limits.prompts)
      throw invalid("prompt", `prompt: at most ${state.limits.prompts} at once`);
    for (const prompt of prompts) roomFor(model, prompt, request.max_tokens, "prompt");
    exchange.noted.promptTokens = prompts.reduce((sum, { length }) => sum + length, 0);
    using _place = request.stream ? state.gate.enterStream() : undefined;
    using choices = new Choices(model, {
      prompts,
      ...samplingOf(request),
      maxNewTokens: request.max_tokens,
      topLogProbabilities: request.logprobs ?? 0,
      signal: exchange.signal,
    });
    const echoes = request.echo ? prompts.map((prompt) => model.facts.tokenizer.decode(prompt)) : [];
    const texts = Array.from({ length: prompts.length * request.n }, (_, choice) => {
      return new ChoiceText(model.facts.tokenizer, echoes[Math.floor(choice / request.n)] ?? "", request.logprobs);
    });
    await (request.stream ? answerInPieces : answerWhole)(exchange, model, request, choices, texts);
  },
};

/** Log-probabilities of tokens, as text completions tell them. */
interface TokenLists {
  readonly tokens: string[];
  readonly token_logprobs: number[];
  readonly top_logprobs: Record<string, number>[];
  /** Of each token, in UTF-16 units of the choice's text. */
  readonly text_offset: number[];
}

/** One choice as it grows. */
class ChoiceText {
  finish: string | null = null;
  readonly #tokenizer: Tokenizer;
  readonly #told: boolean;
  #text: string;
  #offset: number;
  #lists = emptyLists();

  /** @param echo what the text begins with */
  constructor(tokenizer: Tokenizer, echo: string, logprobs: number | undefined) {
    this.#tokenizer = tokenizer;
    this.#told = logprobs !== undefined;
    this.#text = echo;
    this.#offset = echo.length;
  }

  add(token: GeneratedToken, ends: boolean): void {
    this.#text += token.text;
    this.finish = token.finish ?? null;
    if (!this.#told || ends) return;
    const text = tokenText(this.#tokenizer, token.tokenId).token;
    this.#lists.tokens.push(text);
    this.#lists.token_logprobs.push(token.logProbability);
    this.#lists.top_logprobs.push(
      Object.fromEntries(
        token.top.map(({ tokenId, logProbability }) => [tokenText(this.#tokenizer, tokenId).token, logProbability]),
      ),
    );
    this.#lists.text_offset.push(this.#offset);
    this.#offset += text.length;
  }

  /** What was added since it was last taken; undefined where that is nothing. */
  take(index: number): object | undefined {
    if (this.#text === "" && this.#lists.tokens.length === 0 && this.finish === null) return undefined;
    const choice = {
      index,
      text: this.#text,
      logprobs: this.#told ? this.#lists : null,
      finish_reason: this.finish,
    };
    this.#text = "";
    this.#lists = emptyLists();
    return choice;
  }
}

function emptyLists(): TokenLists {
  return { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
}

async function answerWhole(
  exchange: Exchange,
  model: ServedModel,
  _request: CompletionRequest,
  choices: Choices,
  texts: readonly ChoiceText[],
): Promise<void> {
  for await (const { choice, token, ends } of choices.tokens()) {
    texts[choice]!.add(token, ends);
    exchange.countToken();
  }
  exchange.send({
    ...headOf(exchange, model),
    choices: texts.map((text, index) => text.take(index)),
    usage: usageOf(exchange.noted, choices),
  });
}

async function answerInPieces(
  exchange: Exchange,
  model: ServedModel,
  { stream_options: options }: CompletionRequest,
  choices: Choices,
  texts: readonly ChoiceText[],
): Promise<void> {
  const stream = exchange.stream();
  const head = headOf(exchange, model);
  const noUsage = options?.include_usage ? { usage: null } : {};
  for await (const { choice, token, ends } of choices.tokens()) {
    exchange.firstPiece();
    exchange.countToken();
    texts[choice]!.add(token, ends);
    // Log-probabilities of tokens whose text is held back go with the text.
    if (token.text === "" && token.finish === undefined) continue;
    const piece = texts[choice]!.take(choice);
    if (piece) await stream.send({ ...head, choices: [piece], ...noUsage });
  }
  if (options?.include_usage) {
    await stream.send({ ...head, choices: [], usage: usageOf(exchange.noted, choices) });
  }
  await stream.send("[DONE]");
  stream.end();
}

function headOf({ id }: Exchange, model: ServedModel): object {
  return { id: `cmpl-${id}`, object: "text_completion", created: Math.floor(Date.now() / 1000), model: model.id };
}

function promptsOf({ prompt }: CompletionRequest, model: ServedModel): Int32Array[] {
  const list = typeof prompt === "string" || typeof prompt[0] === "number" ? [prompt] : prompt;
  return list.map((one) => {
    if (typeof one !== "string") return Int32Array.from(one as readonly number[]);
    model.refuseEndless(one.length, "prompt");
    return model.facts.tokenizer.encodeWithSpecial(one).ids;
  });
}
