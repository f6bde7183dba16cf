import type { Tokenizer } from "../../model/text/tokenizer.ts";
import type { GeneratedToken, TokenLogProbability } from "../../tune/score/generation-request.ts";
import { type TokenText, tokenText } from "../../tune/score/token-text.ts";

export interface ChatTokenLogprob extends TokenText {
  readonly logprob: number;
  readonly top_logprobs: readonly (TokenText & { readonly logprob: number })[];
}

/** A token as chat completions tell its log-probability. */
export function chatLogprob(tokenizer: Tokenizer, token: GeneratedToken): ChatTokenLogprob {
  const told = ({ tokenId, logProbability }: TokenLogProbability) => {
    return { ...tokenText(tokenizer, tokenId), logprob: logProbability };
  };
  return { ...told(token), top_logprobs: token.top.map(told) };
}
