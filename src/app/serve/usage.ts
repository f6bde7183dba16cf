import type { Choices } from "./choices.ts";
import type { Noted } from "./http/exchange.ts";

/** Tokens of a request, as OpenAI counts them. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

/** @param noted of the exchange @param choices what was generated */
export function usageOf(
  { promptTokens = 0, completionTokens = 0 }: Noted,
  { cachedTokens }: Pick<Choices, "cachedTokens">,
): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}
