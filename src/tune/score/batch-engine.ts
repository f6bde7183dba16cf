/** One model on one device, asked by many at once: generations and scoring share its passes. */
import { UserError } from "../../base/errors.ts";
import type { AdapterSet } from "../../model/families/adapter-set.ts";
import type { Model } from "../../model/families/model.ts";
import type { Tokenizer } from "../../model/text/tokenizer.ts";
import { ClassScorer } from "./class-scorer.ts";
import { generate } from "./generate.ts";
import type { BatchStats, GeneratedToken, Generation, GenerationRequest, ScoreOptions } from "./generation-request.ts";
import { LabelScorer, type LabelScores } from "./label-scorer.ts";
import type { Candidate } from "./label-trie.ts";

export interface BatchEngineOptions {
  /** Adapters that requests may name; more may be attached meanwhile. */
  readonly adapters?: AdapterSet | undefined;
  /** Most tokens computed at once; by default 4096. */
  readonly maxTokens?: number | undefined;
  /** Most generations at once; by default 256. */
  readonly maxRunning?: number | undefined;
  /** Bytes of the key/value cache; by default what 4 texts of the model's context take, at most a quarter of the budget. */
  readonly cacheBytes?: number | undefined;
}

/**
 *     await using engine = new BatchEngine(model, tokenizer);
 *     for await (const { text } of engine.generate({ prompt, maxNewTokens: 64 })) process.stdout.write(text);
 *
 * Requests are served in the order in which they came; what one gets does not depend on the others.
 */
export class BatchEngine implements AsyncDisposable {
  readonly #model: Pick<Model, "decoder" | "classHead">;
  readonly #tokenizer: Tokenizer;
  readonly #options: BatchEngineOptions;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(model: Pick<Model, "decoder" | "classHead">, tokenizer: Tokenizer, options: BatchEngineOptions = {}) {
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#options = options;
  }

  /**
   * Continues a prompt. What is wrong with the request is told at once.
   * @throws UserError when the prompt is empty, leaves no room in the context or has tokens that the model does not know,
   *   when there is no such adapter, when a schema is not supported, and when the model is a classifier with a head of its own
   */
  generate(request: GenerationRequest): Generation {
    return Object.assign(this.#serially(request), { cachedTokens: 0 });
  }

  /**
   * The exact probability of every label of each example.
   * @throws UserError as `LabelScorer.score`, and when there is no such adapter
   */
  scoreLabels(
    examples: readonly (readonly Candidate[])[],
    { adapter, signal }: ScoreOptions = {},
  ): Promise<LabelScores[]> {
    const { decoder } = this.#model;
    return this.#inTurn(() => {
      this.#choose(adapter);
      signal?.throwIfAborted();
      return new LabelScorer(decoder, { maxTokens: this.#options.maxTokens }).score(examples);
    });
  }

  /** Logits [labels] of each text, by the model's class head. @throws UserError as `ClassScorer.score` */
  scoreClasses(texts: readonly Int32Array[], { signal }: ScoreOptions = {}): Promise<Float32Array[]> {
    const { decoder, classHead } = this.#model;
    return this.#inTurn(() => {
      signal?.throwIfAborted();
      return new ClassScorer(decoder, classHead!, { maxTokens: this.#options.maxTokens }).score(texts);
    });
  }

  stats(): BatchStats {
    return {
      running: 0,
      waiting: this.#waiting,
      pagesUsed: 0,
      pagesKept: 0,
      pages: 0,
      promptTokens: 0,
      cachedTokens: 0,
      generatedTokens: 0,
      preemptions: 0,
      scored: 0,
      tokensPerSecond: 0,
    };
  }

  /** Frees an adapter when what was asked of it is answered; from now on it is not known. @throws UserError when it is not */
  async detach(name: string): Promise<void> {
    await this.#inTurn(() => this.#options.adapters?.detach(name));
  }

  /** When all that was asked for is answered. */
  async drain(): Promise<void> {
    await this.#last;
  }

  /** Ends what is left and frees the cache. */
  async close(): Promise<void> {
    await this.#last;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #choose(adapter: string | undefined): void {
    const { adapters } = this.#options;
    if (adapters) adapters.choose(adapter ?? null);
    else if (adapter !== undefined) {
      throw new UserError({
        code: "adapter/no-such-name",
        message: `there is no adapter "${adapter}"`,
        fix: "attach one",
      });
    }
  }

  #inTurn<T>(body: () => T | Promise<T>): Promise<T> {
    this.#waiting++;
    const result = this.#last.then(body).finally(() => this.#waiting--);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async *#serially(request: GenerationRequest): AsyncGenerator<GeneratedToken> {
    const tokens = await this.#inTurn(async () => {
      this.#choose(request.adapter);
      const all: GeneratedToken[] = [];
      for await (const token of generate(this.#model.decoder, this.#tokenizer, request.prompt, request)) {
        request.signal?.throwIfAborted();
        all.push({ ...token, logProbability: 0, top: [] });
      }
      return all;
    });
    yield* tokens;
  }
}
