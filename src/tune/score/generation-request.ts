/** What a batch engine is asked for, and what it answers. */
import type { JsonValue } from "../../model/files/json-file.ts";

export interface GenerationRequest {
  /** Tokens to go on from. */
  readonly prompt: Int32Array;
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
  /** So many most probable tokens are told with each token, 0 to 20; default 0. */
  readonly topLogProbabilities?: number | undefined;
  /** What the text must be; undefined: anything. Stop tokens end it only where it is whole. */
  readonly constraint?: ConstraintSpec | undefined;
  /** Name of an adapter that the engine has; undefined: the model as it was given. */
  readonly adapter?: string | undefined;
  /** Ends the generation: what waits for its next token gets the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** `labels`: exactly one of the texts. `json`: an object. `json-schema`: a value that the schema allows. */
export type ConstraintSpec =
  | { readonly kind: "labels"; readonly labels: readonly string[] }
  | { readonly kind: "json" }
  | { readonly kind: "json-schema"; readonly schema: JsonValue };

export interface TokenLogProbability {
  readonly tokenId: number;
  /** Natural logarithm of what the model gives it, before temperature, top-k, top-p and constraint. */
  readonly logProbability: number;
}

export interface GeneratedToken extends TokenLogProbability {
  /** Text that is certain with this token; pieces add up to the whole. */
  readonly text: string;
  /** The most probable tokens of this place, the most probable first; as many as were asked for. */
  readonly top: readonly TokenLogProbability[];
  /** Only on the last one: why there is no more. */
  readonly finish?: "stop" | "length";
}

/** Tokens as they come. Leaving the loop early ends the generation. */
export interface Generation extends AsyncIterableIterator<GeneratedToken> {
  /** Tokens of the prompt whose keys and values were there already; known with the first token. */
  readonly cachedTokens: number;
}

export interface ScoreOptions {
  /** Name of an adapter that the engine has; undefined: the model as it was given. */
  readonly adapter?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How an engine stands. */
export interface BatchStats {
  /** Generations that have a place on the device. */
  readonly running: number;
  /** Generations and examples to score that wait for one. */
  readonly waiting: number;
  /** Pages of the key/value cache: in use by generations, kept for the beginnings they hold, and all there are. */
  readonly pagesUsed: number;
  readonly pagesKept: number;
  readonly pages: number;
  /** Since the start: tokens of prompts, those of them that were found in the cache, and tokens generated. */
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly generatedTokens: number;
  /** Generations that lost their pages to others and were computed again, since the start. */
  readonly preemptions: number;
  /** Examples scored since the start. */
  readonly scored: number;
  /** Tokens generated a second, over the last ten seconds. */
  readonly tokensPerSecond: number;
}
