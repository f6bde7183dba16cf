/** Several generations of one request. */
import { randomInt } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { GeneratedToken, Generation, GenerationRequest } from "../../tune/score/generation-request.ts";
import type { ServedModel } from "./served-model.ts";

export interface ChoicesRequest
  extends Omit<GenerationRequest, "prompt" | "adapter" | "stopTokens" | "seed" | "signal"> {
  readonly prompts: readonly Int32Array[];
  /** Answers to each prompt. */
  readonly n: number;
  /** Of the first answer to a prompt; those that follow have the next ones. Undefined: drawn. */
  readonly seed: number | undefined;
  readonly signal: AbortSignal;
}

/** A token of one of the choices, which are numbered prompt by prompt. */
export interface ChoiceToken {
  readonly choice: number;
  readonly token: GeneratedToken;
  /** It is no part of the text: it ended it. */
  readonly ends: boolean;
}

const MAX_SEED = 2 ** 47;

/** Dispose of it to end what is still being generated. */
export class Choices implements Disposable {
  readonly #generations: readonly Generation[];
  readonly #stopTokens: ReadonlySet<number>;
  readonly #signal: AbortSignal;
  readonly #ending = new AbortController();
  readonly #onAbort = (): void => this.#ending.abort(this.#signal.reason);

  /** Asks for all of them. @throws UserError for a request that the engine refuses */
  constructor({ engine, adapter, stopTokens }: ServedModel, request: ChoicesRequest) {
    const { prompts, n, seed = randomInt(MAX_SEED), signal, ...options } = request;
    this.#signal = signal;
    this.#stopTokens = stopTokens;
    // Each choice listens.
    setMaxListeners(0, this.#ending.signal);
    const common = { ...options, adapter, stopTokens, signal: this.#ending.signal };
    signal.addEventListener("abort", this.#onAbort);
    try {
      this.#generations = prompts.flatMap((prompt) =>
        Array.from({ length: n }, (_, i) => engine.generate({ ...common, prompt, seed: seed + i })),
      );
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Tokens of prompts whose keys and values were there already; known when the answers are. */
  get cachedTokens(): number {
    return this.#generations.reduce((sum, { cachedTokens }) => sum + cachedTokens, 0);
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#ending.abort(new Error("the request has ended"));
  }

  /** Tokens of all choices as they come. */
  async *tokens(): AsyncGenerator<ChoiceToken> {
    const next = async (choice: number): Promise<[number, IteratorResult<GeneratedToken>]> => {
      return [choice, await this.#generations[choice]!.next()];
    };
    const pending = new Map(this.#generations.map((_, choice) => [choice, next(choice)]));
    try {
      this.#signal.throwIfAborted();
      while (pending.size > 0) {
        const [choice, { done, value: token }] = await Promise.race(pending.values());
        if (done) pending.delete(choice);
        else {
          pending.set(choice, next(choice));
          yield { choice, token, ends: token.finish === "stop" && this.#stopTokens.has(token.tokenId) };
        }
      }
    } finally {
      for (const one of pending.values()) one.catch(() => {});
    }
  }
}
