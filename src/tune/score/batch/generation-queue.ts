/** Texts that are written at once, pass by pass, over one paged cache. */
import { type Beginning, PageBook } from "../../../engine/nn/page-book.ts";
import { PAGE_SIZE, PagedCache } from "../../../engine/nn/paged-cache.ts";
import type { Decoder } from "../../../model/families/decoder.ts";
import type { Tokenizer } from "../../../model/text/tokenizer.ts";
import { ConstraintMaker } from "../constraint/token-constraint.ts";
import type { BatchStats, Generation, GenerationRequest } from "../generation-request.ts";
import { cachePages } from "./cache-size.ts";
import { GeneratingText } from "./generating-text.ts";
import { computeChunks, ROWS_OF_EQUAL_BITS } from "./generation-pass.ts";
import { GenerationSchedule } from "./generation-schedule.ts";
import { Rate } from "./rate.ts";
import { checkRequest } from "./request-check.ts";
import { TokenChannel } from "./token-channel.ts";

export interface GenerationQueueOptions {
  /** Tokens of a pass. */
  readonly maxTokens: number;
  readonly maxRunning: number;
  readonly cacheBytes: number | undefined;
}

export class GenerationQueue implements Disposable {
  readonly #decoder: Decoder;
  readonly #tokenizer: Tokenizer;
  readonly #book: PageBook;
  readonly #schedule: GenerationSchedule;
  readonly #roots = new Map<string | undefined, Beginning>();
  readonly #constraints: ConstraintMaker;
  readonly #fewestRows: number;
  readonly #rate = new Rate();
  /** Made with the first text. */
  #cache: PagedCache | undefined;
  #arrivals = 0;
  #promptTokens = 0;
  #generatedTokens = 0;

  /** @throws UserError when there is too little memory for a cache */
  constructor(decoder: Decoder, tokenizer: Tokenizer, { maxTokens, maxRunning, cacheBytes }: GenerationQueueOptions) {
    this.#decoder = decoder;
    this.#tokenizer = tokenizer;
    this.#constraints = new ConstraintMaker(tokenizer, decoder.config.vocabSize);
    this.#fewestRows = maxRunning === 1 ? 1 : ROWS_OF_EQUAL_BITS;
    this.#book = new PageBook(cachePages(decoder, maxRunning, cacheBytes));
    this.#schedule = new GenerationSchedule(this.#book, { maxTokens, maxRunning });
  }

  get idle(): boolean {
    return this.#schedule.texts.length === 0;
  }

  /** Whether a text of the adapter is not finished. */
  uses(adapter: string): boolean {
    return this.#schedule.texts.some((text) => text.adapter === adapter);
  }

  /** @throws UserError as `BatchEngine.generate` */
  add(request: GenerationRequest): Generation {
    const { vocabSize, maxPositions } = this.#decoder.config;
    const room = { vocabSize, context: maxPositions, cache: this.#book.pages * PAGE_SIZE };
    const most = checkRequest(request, room);
    const { signal, constraint } = request;
    const constrained = constraint && this.#constraints.make(constraint).begin();
    signal?.throwIfAborted();
    this.#cache ??= this.#makeCache();
    const leave = (): void => {
      signal?.removeEventListener("abort", onAbort);
      this.#schedule.remove(text);
    };
    const channel = new TokenChannel(leave);
    const onAbort = (): void => channel.fail(signal!.reason);
    const root = this.#rootOf(request.adapter);
    const arrival = this.#arrivals++;
    const tokenizer = this.#tokenizer;
    const text = new GeneratingText({ request, tokenizer, channel, most, constrained, root, arrival });
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#promptTokens += request.prompt.length;
    this.#schedule.add(text);
    return channel;
  }

  /**
   * Computes the next pass, of the adapters in turn; nothing where nobody waits.
   * @param choose makes an adapter the one that passes have
   */
  step(choose: (adapter: string | undefined) => void): void {
    const turn = this.#schedule.nextTurn();
    if (turn === undefined) return;
    const chunks = this.#schedule.plan(turn.adapter);
    if (chunks.length === 0) return;
    const over: { readonly text: GeneratingText; readonly error?: unknown }[] = [];
    try {
      choose(turn.adapter);
      computeChunks(this.#decoder, this.#cache!, chunks, this.#fewestRows, (text, next) => {
        try {
          if (text.goOn(next)) over.push({ text });
          this.#generatedTokens++;
          this.#rate.add(1);
        } catch (error) {
          over.push({ text, error });
        }
      });
      for (const chunk of chunks) this.#schedule.settle(chunk);
    } catch (error) {
      over.push(...chunks.map(({ text }) => ({ text, error })));
    }
    for (const { text, error } of over) {
      if (error === undefined) text.channel.end();
      else text.channel.fail(error);
    }
  }

  /** What was computed under an adapter's name is not its next namesake's. */
  forget(adapter: string): void {
    this.#roots.delete(adapter);
  }

  /** Ends all texts. */
  failAll(reason: unknown): void {
    for (const { channel } of this.#schedule.texts) channel.fail(reason);
  }

  stats(): Omit<BatchStats, "scored"> {
    return {
      running: this.#schedule.running.length,
      waiting: this.#schedule.waiting.length,
      pagesUsed: this.#book.used,
      pagesKept: this.#book.kept,
      pages: this.#book.pages,
      promptTokens: this.#promptTokens,
      cachedTokens: this.#schedule.cachedTokens,
      generatedTokens: this.#generatedTokens,
      preemptions: this.#schedule.preemptions,
      tokensPerSecond: this.#rate.perSecond,
    };
  }

  [Symbol.dispose](): void {
    this.#cache?.[Symbol.dispose]();
    this.#cache = undefined;
  }

  /** With a page that is nobody's. @throws UserError when memory does not suffice */
  #makeCache(): PagedCache {
    const { device, config } = this.#decoder;
    return new PagedCache(device, config.layers, this.#book.pages + 1, config.kvHeads * config.headDim);
  }

  #rootOf(adapter: string | undefined): Beginning {
    const root = this.#roots.get(adapter) ?? this.#book.newRoot();
    this.#roots.set(adapter, root);
    return root;
  }
}
