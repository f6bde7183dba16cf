/** One model on one device, asked by many at once: generations and scoring share its passes. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import type { AdapterSet } from "../../model/families/adapter-set.ts";
import type { Model } from "../../model/families/model.ts";
import type { Tokenizer } from "../../model/text/tokenizer.ts";
import { GenerationQueue } from "./batch/generation-queue.ts";
import { ScoreQueue } from "./batch/score-queue.ts";
import { ClassScorer } from "./class-scorer.ts";
import type { BatchStats, Generation, GenerationRequest, ScoreOptions } from "./generation-request.ts";
import { LabelScorer, type LabelScores } from "./label-scorer.ts";
import type { Candidate } from "./label-trie.ts";

export interface BatchEngineOptions {
  /** Adapters that requests may name; more may be attached meanwhile. */
  readonly adapters?: AdapterSet | undefined;
  /** Most tokens computed at once; by default 4096. */
  readonly maxTokens?: number | undefined;
  /** Most generations at once, 1 to 256; by default 256. */
  readonly maxRunning?: number | undefined;
  /**
   * Scores no two requests in one pass: on every device a request then gets the same bits whatever else is asked, at the price
   * of the time that small ones save together. Default false.
   */
  readonly scoresApart?: boolean | undefined;
  /** Bytes of the key/value cache; by default what `maxRunning` texts take, as far as memory allows. */
  readonly cacheBytes?: number | undefined;
}

/**
 *     await using engine = new BatchEngine(model, tokenizer);
 *     for await (const { text } of engine.generate({ prompt, maxNewTokens: 64 })) process.stdout.write(text);
 *
 * Each round computes one pass of scoring and one of generating, as far as somebody asks for them. A pass has one adapter,
 * or none; adapters take turns. On the CPU what is generated is the same to the bit whatever else is asked meanwhile, unless
 * `maxRunning` is 1, which is faster for a text alone; on CUDA products of another number of rows may round otherwise.
 */
export class BatchEngine implements AsyncDisposable {
  readonly #generations: GenerationQueue | undefined;
  readonly #labels: ScoreQueue<readonly Candidate[], LabelScores> | undefined;
  readonly #classes: ScoreQueue<Int32Array, Float32Array> | undefined;
  readonly #adapters: AdapterSet | undefined;
  /** Adapters that are given up, which are told when nobody uses them. */
  readonly #leaving = new Set<string>();
  #working: Promise<void> | undefined;
  #closed = false;

  /** @throws UserError when there is too little memory for a key/value cache */
  constructor(model: Pick<Model, "decoder" | "classHead">, tokenizer: Tokenizer, options: BatchEngineOptions = {}) {
    const { adapters, maxTokens = 4096, maxRunning = 256, cacheBytes, scoresApart } = options;
    if (!(Number.isSafeInteger(maxRunning) && maxRunning >= 1 && maxRunning <= 256)) {
      throw new RangeError(`maxRunning is ${maxRunning}, it can be 1 to 256`);
    }
    const { decoder, classHead } = model;
    this.#adapters = adapters;
    if (classHead)
      this.#classes = new ScoreQueue(new ClassScorer(decoder, classHead, { maxTokens }).scoring, scoresApart);
    else {
      this.#labels = new ScoreQueue(new LabelScorer(decoder, { maxTokens }).scoring, scoresApart);
      this.#generations = new GenerationQueue(decoder, tokenizer, { maxTokens, maxRunning, cacheBytes });
    }
  }

  /**
   * Continues a prompt. What is wrong with the request is told at once.
   * @throws UserError when the prompt is empty, leaves no room in the context or has tokens that the model does not know,
   *   when there is no such adapter, when a schema is not supported, and when the model is a classifier with a head of its own
   */
  generate(request: GenerationRequest): Generation {
    this.#refuse(request.adapter);
    if (this.#generations === undefined) {
      throw new UserError({
        code: "generate/classifier",
        message: "the model is a classifier with a head of its own: it says no words",
        fix: "ask it for classes, or take a model that answers in words",
      });
    }
    const generation = this.#generations.add(request);
    this.#work();
    return generation;
  }

  /**
   * The exact probability of every label of each example.
   * @throws UserError as `LabelScorer.score`, and when there is no such adapter
   */
  async scoreLabels(examples: readonly (readonly Candidate[])[], options: ScoreOptions = {}): Promise<LabelScores[]> {
    this.#refuse(options.adapter);
    if (this.#labels === undefined) throw new Error("a model with a class head has no label texts: use scoreClasses");
    return await this.#scored(this.#labels, examples, options);
  }

  /** Logits [labels] of each text, by the model's class head. @throws UserError as `ClassScorer.score` */
  async scoreClasses(texts: readonly Int32Array[], options: ScoreOptions = {}): Promise<Float32Array[]> {
    this.#refuse(options.adapter);
    if (this.#classes === undefined) throw new Error("the model has no class head: use scoreLabels");
    return await this.#scored(this.#classes, texts, options);
  }

  stats(): BatchStats {
    const { scored, waiting } = (this.#labels ?? this.#classes)!;
    const generations = this.#generations?.stats() ?? noGenerations;
    return { ...generations, waiting: generations.waiting + waiting, scored };
  }

  /**
   * Loads an adapter.
   * @returns what in its folder was ignored
   * @throws UserError as `AdapterSet.attach`
   */
  attach(name: string, folder: string): readonly string[] {
    if (this.#adapters === undefined) throw new Error("the engine was made without a set of adapters");
    return this.#adapters.attach(name, folder);
  }

  /** Frees an adapter when what was asked of it is answered; from now on it is not known. @throws UserError when it is not */
  async detach(name: string): Promise<void> {
    this.#refuse(name);
    this.#leaving.add(name);
    while (this.#isUsed(name)) await nextTurn();
    this.#leaving.delete(name);
    this.#generations?.forget(name);
    this.#adapters?.detach(name);
  }

  /** When all that was asked for is answered. */
  async drain(): Promise<void> {
    await this.#working;
  }

  /** Ends what is left, with an error for whoever waits for it, and frees the cache. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const queue of this.#queues) queue.failAll(closedError());
    await this.#working;
    this.#generations?.[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #queues(): readonly Queue[] {
    return [this.#generations, this.#labels, this.#classes].filter((queue) => queue !== undefined);
  }

  #isUsed(adapter: string): boolean {
    return this.#queues.some((queue) => queue.uses(adapter));
  }

  #scored<Example, Result>(
    queue: ScoreQueue<Example, Result>,
    examples: readonly Example[],
    options: ScoreOptions,
  ): Promise<Result[]> {
    const results = queue.add(examples, options);
    this.#work();
    return results;
  }

  /** Works until nothing is left to do. */
  #work(): void {
    this.#working ??= this.#rounds();
  }

  async #rounds(): Promise<void> {
    const choose = (adapter: string | undefined): void => this.#adapters?.choose(adapter ?? null);
    const scores = this.#labels ?? this.#classes;
    let underWay: (() => void) | undefined;
    do {
      // What came in the same turn goes into the first pass together.
      await nextTurn();
      try {
        // The next pass is launched before the results of the last are waited for.
        const launched = scores?.launch(choose);
        underWay?.();
        underWay = launched;
        this.#generations?.step(choose);
      } catch (error) {
        for (const queue of this.#queues) queue.failAll(error);
      }
    } while (underWay !== undefined || !this.#queues.every(({ idle }) => idle));
    this.#working = undefined;
  }

  /** @throws UserError when there is no such adapter; Error when the engine is closed */
  #refuse(adapter: string | undefined): void {
    if (this.#closed) throw closedError();
    if (adapter === undefined) return;
    const names = (this.#adapters?.names ?? []).filter((name) => !this.#leaving.has(name));
    if (names.includes(adapter)) return;
    throw new UserError({
      code: "adapter/no-such-name",
      message: `there is no adapter "${adapter}"`,
      fix: names.length > 0 ? suggestName(adapter, names) : "attach one",
    });
  }
}

interface Queue {
  readonly idle: boolean;
  uses(adapter: string): boolean;
  failAll(reason: unknown): void;
}

const noGenerations: Omit<BatchStats, "scored"> = {
  running: 0,
  waiting: 0,
  pagesUsed: 0,
  pagesKept: 0,
  pages: 0,
  promptTokens: 0,
  cachedTokens: 0,
  generatedTokens: 0,
  preemptions: 0,
  tokensPerSecond: 0,
};

function closedError(): Error {
  return new Error("the engine is closed");
}
