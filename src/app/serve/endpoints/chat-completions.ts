/** https://platform.openai.com/docs/api-reference/chat */
import type { Message } from "../../../model/text/chat-template.ts";
import { type ChatTokenLogprob, chatLogprob } from "../chat-logprobs.ts";
import { Choices } from "../choices.ts";
import { invalid } from "../http/api-error.ts";
import type { Endpoint } from "../http/endpoint.ts";
import type { Exchange } from "../http/exchange.ts";
import { type ChatRequest, type ChatRequestMessage, parseChatRequest } from "../requests/chat-request.ts";
import { samplingOf } from "../requests/sampling-fields.ts";
import { roomFor } from "../room-for.ts";
import type { ServedModel } from "../served-model.ts";
import { requireChoices } from "../server-state.ts";
import { usageOf } from "../usage.ts";

export const chatCompletions: Endpoint = {
  method: "POST",
  path: "/v1/chat/completions",
  access: "key",
  asksModel: true,
  async answer(exchange, state) {
    const request = parseChatRequest(exchange.body);
    const model = state.models.get(request.model);
    exchange.noted.model = model.id;
    model.requireWords();
    requireChoices(request.n, state.limits);
    if (request.top_logprobs !== undefined && !request.logprobs) {
      throw invalid("top_logprobs", "top_logprobs needs logprobs: true");
    }
    const prompt = model.chatPrompt(request.messages.map(messageOf));
    exchange.noted.promptTokens = prompt.length;
    using _place = request.stream ? state.gate.enterStream() : undefined;
    using choices = new Choices(model, {
      prompts: [prompt],
      ...samplingOf(request),
      maxNewTokens: roomFor(model, prompt, wantedTokens(request), "messages"),
      topLogProbabilities: request.top_logprobs ?? 0,
      signal: exchange.signal,
    });
    const head = { id: `chatcmpl-${exchange.id}`, created: Math.floor(Date.now() / 1000), model: model.id };
    await (request.stream ? answerInPieces : answerWhole)(exchange, model, request, choices, head);
  },
};

type Head = { readonly id: string; readonly created: number; readonly model: string };

async function answerWhole(
  exchange: Exchange,
  model: ServedModel,
  request: ChatRequest,
  choices: Choices,
  head: Head,
): Promise<void> {
  const answers = Array.from({ length: request.n }, () => {
    return { text: "", finish: "length", logprobs: [] as ChatTokenLogprob[] };
  });
  for await (const { choice, token, ends } of choices.tokens()) {
    const answer = answers[choice]!;
    answer.text += token.text;
    answer.finish = token.finish ?? answer.finish;
    if (request.logprobs && !ends) answer.logprobs.push(chatLogprob(model.facts.tokenizer, token));
    exchange.countToken();
  }
  exchange.send({
    ...head,
    object: "chat.completion",
    choices: answers.map(({ text, finish, logprobs }, index) => ({
      index,
      message: { role: "assistant", content: text, refusal: null },
      logprobs: request.logprobs ? { content: logprobs, refusal: null } : null,
      finish_reason: finish,
    })),
    usage: usageOf(exchange.noted, choices),
  });
}

async function answerInPieces(
  exchange: Exchange,
  model: ServedModel,
  { n, logprobs: told, stream_options: options }: ChatRequest,
  choices: Choices,
  head: Head,
): Promise<void> {
  const stream = exchange.stream();
  const noUsage = options?.include_usage ? { usage: null } : {};
  const send = (index: number, delta: object, finish: string | null, logprobs: readonly ChatTokenLogprob[] = []) =>
    stream.send({
      ...head,
      object: "chat.completion.chunk",
      choices: [
        {
          index,
          delta,
          logprobs: logprobs.length > 0 ? { content: logprobs, refusal: null } : null,
          finish_reason: finish,
        },
      ],
      ...noUsage,
    });
  for (let index = 0; index < n; index++) await send(index, { role: "assistant", content: "", refusal: null }, null);
  // Log-probabilities of tokens whose text is held back go with the text.
  const held = Array.from({ length: n }, (): ChatTokenLogprob[] => []);
  for await (const { choice, token, ends } of choices.tokens()) {
    exchange.firstPiece();
    exchange.countToken();
    if (told && !ends) held[choice]!.push(chatLogprob(model.facts.tokenizer, token));
    if (token.text !== "" || (token.finish && held[choice]!.length > 0)) {
      await send(choice, { content: token.text }, null, held[choice]!.splice(0));
    }
    if (token.finish) await send(choice, {}, token.finish);
  }
  if (options?.include_usage) {
    await stream.send({
      ...head,
      object: "chat.completion.chunk",
      choices: [],
      usage: usageOf(exchange.noted, choices),
    });
  }
  await stream.send("[DONE]");
  stream.end();
}

/** `developer` is what newer models call `system`. */
function messageOf({ role, content }: ChatRequestMessage): Message {
  const text = typeof content === "string" ? content : content.map((part) => part.text).join("\n");
  return { role: role === "developer" ? "system" : role, content: text };
}

function wantedTokens({ max_tokens: old, max_completion_tokens: wanted }: ChatRequest): number | undefined {
  if (old === undefined || wanted === undefined || old === wanted) return wanted ?? old;
  throw invalid("max_tokens", "max_tokens and max_completion_tokens are the same thing: give one of them");
}
