/** Free generation, one token at a time over a key/value cache. */
import { UserError } from "../../base/errors.ts";
import { Random } from "../../base/random.ts";
import { KvCache } from "../../engine/nn/kv-cache.ts";
import type { Sequence } from "../../engine/nn/sequence.ts";
import { scope } from "../../engine/tensor/scope.ts";
import type { Decoder } from "../../model/families/decoder.ts";
import type { Tokenizer } from "../../model/text/tokenizer.ts";
import { refuseNotANumber, refuseUnknownTokens } from "./refusals.ts";
import { chooseToken } from "./sampling.ts";
import { StopStrings } from "./stop-strings.ts";
import { TextStream } from "./text-stream.ts";

/** Tokens of a prompt computed at once. */
const PREFILL_TOKENS = 1024;

export interface GenerateOptions {
  readonly maxNewTokens: number;
  /** 0 (default) takes the most probable token each time. */
  readonly temperature?: number | undefined;
  /** Only the k most probable tokens; 0 (default): all. */
  readonly topK?: number | undefined;
  /** Only the fewest most probable tokens whose probabilities reach this sum; 1 (default): all. */
  readonly topP?: number | undefined;
  readonly seed?: number | undefined;
  /** Tokens that end the text and are not part of it. */
  readonly stopTokens?: Iterable<number> | undefined;
  /** Strings that end the text and are not part of it. */
  readonly stopStrings?: readonly string[] | undefined;
}

export interface GeneratedToken {
  readonly tokenId: number;
  /** Text that is certain with this token; pieces add up to the whole. */
  readonly text: string;
  /** Only on the last one: why there is no more. */
  readonly finish?: "stop" | "length";
}

/**
 * Continues a prompt. The last item tells why it ended: at a stop token or string, or at `maxNewTokens` or the end of
 * the model's context.
 * @throws UserError when the prompt is empty, leaves no room in the context or has tokens that the model does not know,
 *   and when the model's answer is not a number.
 */
export async function* generate(
  decoder: Decoder,
  tokenizer: Tokenizer,
  prompt: Int32Array,
  options: GenerateOptions,
): AsyncGenerator<GeneratedToken> {
  const { temperature = 0, topK = 0, topP = 1, seed = 0, stopTokens = [], stopStrings = [] } = options;
  const { maxPositions, layers, kvHeads, headDim } = decoder.config;
  refuseBadPrompt(prompt, maxPositions);
  refuseUnknownTokens(prompt, decoder.config.vocabSize);
  const most = Math.min(options.maxNewTokens, maxPositions - prompt.length);
  if (most < 1) return;
  const sampling = { temperature, topK, topP };
  const random = new Random(seed, "generate");
  const stops = new Set(stopTokens);
  const stream = new TextStream(tokenizer);
  const ending = new StopStrings(stopStrings);
  using cache = new KvCache(decoder.device, layers, prompt.length + most, kvHeads * headDim);

  let logits = prefill(decoder, cache, prompt);
  for (let count = 1; ; count++) {
    refuseNotANumber(logits);
    const tokenId = chooseToken(logits, sampling, random);
    if (stops.has(tokenId)) {
      yield { tokenId, text: ending.end(stream.end()).text, finish: "stop" };
      return;
    }
    const isLast = count === most;
    const piece = stream.push(tokenId);
    const { text, stopped } = isLast ? ending.end(piece + stream.end()) : ending.push(piece);
    if (stopped || isLast) {
      yield { tokenId, text, finish: stopped ? "stop" : "length" };
      return;
    }
    yield { tokenId, text };
    // Lets signals and timers of the process through between tokens.
    await new Promise((resolve) => setImmediate(resolve));
    logits = nextLogits(decoder, cache, Int32Array.of(tokenId));
  }
}

function refuseBadPrompt({ length }: Int32Array, context: number): void {
  if (length > 0 && length < context) return;
  throw new UserError({
    code: length === 0 ? "generate/empty-prompt" : "generate/prompt-too-long",
    message:
      length === 0
        ? "the prompt is empty"
        : `the prompt has ${length} tokens and leaves no room for an answer in the model's context of ${context}`,
    fix: length === 0 ? "write something for the model to go on from" : "shorten the prompt",
  });
}

/** Puts the prompt into the cache. @returns [vocabulary] logits of what follows it */
function prefill(decoder: Decoder, cache: KvCache, prompt: Int32Array): Float32Array {
  const lastBegin = Math.floor((prompt.length - 1) / PREFILL_TOKENS) * PREFILL_TOKENS;
  for (let begin = 0; begin < lastBegin; begin += PREFILL_TOKENS) {
    const part = path(prompt.subarray(begin, begin + PREFILL_TOKENS), begin);
    scope(() => void decoder.hidden(part, { cache, rows: lastRow(part) }));
  }
  return nextLogits(decoder, cache, prompt.subarray(lastBegin));
}

/** Appends tokens to the cache. @returns [vocabulary] logits of what follows them */
function nextLogits(decoder: Decoder, cache: KvCache, tokens: Int32Array): Float32Array {
  const sequence = path(tokens, cache.length);
  return scope(() => decoder.logits(decoder.hidden(sequence, { cache, rows: lastRow(sequence) })));
}

/** Tokens one after the other, from a position on. */
function path(tokens: Int32Array, position: number): Sequence {
  return {
    tokens,
    positions: Int32Array.from(tokens, (_, i) => position + i),
    expiry: new Int32Array(tokens.length).fill(tokens.length),
  };
}

function lastRow({ tokens }: Sequence): Int32Array {
  return Int32Array.of(tokens.length - 1);
}
