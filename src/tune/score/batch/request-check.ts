import { UserError } from "../../../base/errors.ts";
import type { GenerationRequest } from "../generation-request.ts";
import { refuseUnknownTokens } from "../refusals.ts";

/** Most probable tokens that can be told with a token. */
export const MAX_TOP_LOG_PROBABILITIES = 20;

export interface Room {
  readonly vocabSize: number;
  /** The model's context. */
  readonly context: number;
  /** Tokens that the cache holds. */
  readonly cache: number;
}

/**
 * @returns how many tokens can be generated at most
 * @throws UserError when the prompt is empty, leaves no room or has tokens that the model does not know, and when an option
 *   is out of range
 */
export function checkRequest(request: GenerationRequest, { vocabSize, context, cache }: Room): number {
  const { prompt, maxNewTokens, temperature = 0, topK = 0, topP = 1, topLogProbabilities = 0 } = request;
  if (prompt.length === 0) {
    throw new UserError({
      code: "generate/empty-prompt",
      message: "the prompt is empty",
      fix: "write something for the model to go on from",
    });
  }
  const room = Math.min(context, cache) - prompt.length;
  if (room < 1) {
    const what = cache < context ? "the key/value cache" : "the model's context";
    throw new UserError({
      code: "generate/prompt-too-long",
      message: `the prompt has ${prompt.length} tokens and leaves no room for an answer in ${what} of ${Math.min(context, cache)}`,
      fix: cache < context ? "shorten the prompt, or give the cache more memory" : "shorten the prompt",
    });
  }
  refuseUnknownTokens(prompt, vocabSize);
  refuseUnless(Number.isSafeInteger(maxNewTokens) && maxNewTokens >= 1, "maxNewTokens", maxNewTokens, "1 or more");
  refuseUnless(temperature >= 0 && temperature < Number.POSITIVE_INFINITY, "temperature", temperature, "0 or more");
  refuseUnless(Number.isSafeInteger(topK) && topK >= 0, "topK", topK, "0 (all) or more");
  refuseUnless(topP > 0 && topP <= 1, "topP", topP, "above 0, at most 1");
  const tops = Number.isSafeInteger(topLogProbabilities) && topLogProbabilities >= 0;
  refuseUnless(
    tops && topLogProbabilities <= MAX_TOP_LOG_PROBABILITIES,
    "topLogProbabilities",
    topLogProbabilities,
    `0 to ${MAX_TOP_LOG_PROBABILITIES}`,
  );
  return Math.min(maxNewTokens, room);
}

function refuseUnless(fits: boolean, option: string, value: number, range: string): void {
  if (fits) return;
  throw new UserError({
    code: "generate/bad-option",
    message: `${option} is ${value}`,
    fix: `it can be ${range}`,
  });
}
