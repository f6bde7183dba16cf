/** Which texts are computed next, and which pages they get. */
import type { PageBook } from "../../../engine/nn/page-book.ts";
import { PAGE_SIZE } from "../../../engine/nn/paged-cache.ts";
import type { GeneratingText } from "./generating-text.ts";
import type { Chunk } from "./generation-pass.ts";

export interface ScheduleLimits {
  /** Tokens of a pass. */
  readonly maxTokens: number;
  /** Texts that have pages. */
  readonly maxRunning: number;
}

/**
 * Texts get pages as they grow. When there are none left, the text that came last gives up its own and waits to begin
 * again, so the one that came first always goes on.
 */
export class GenerationSchedule {
  /** Texts that have pages, and those that wait for some; both in the order in which they came. */
  readonly running: GeneratingText[] = [];
  readonly waiting: GeneratingText[] = [];
  preemptions = 0;
  cachedTokens = 0;
  readonly #book: PageBook;
  readonly #limits: ScheduleLimits;
  /** A text for which there were too few pages: nobody who came later is let in before it. */
  #next: GeneratingText | undefined;
  #lastTurn: string | undefined;

  constructor(book: PageBook, limits: ScheduleLimits) {
    this.#book = book;
    this.#limits = limits;
  }

  get texts(): readonly GeneratingText[] {
    return [...this.running, ...this.waiting];
  }

  /** The adapter, or none, whose texts are to be computed next; undefined where there is nothing to do. */
  nextTurn(): { readonly adapter: string | undefined } | undefined {
    const adapters = [...new Set(this.texts.map(({ adapter }) => adapter))];
    if (adapters.length === 0) return undefined;
    const adapter = adapters[(adapters.indexOf(this.#lastTurn) + 1) % adapters.length];
    this.#lastTurn = adapter;
    return { adapter };
  }

  add(text: GeneratingText): void {
    const at = this.waiting.findIndex(({ arrival }) => arrival > text.arrival);
    this.waiting.splice(at < 0 ? this.waiting.length : at, 0, text);
  }

  /** Takes a text out, whether it runs or waits; its pages are free for others. */
  remove(text: GeneratingText): void {
    this.#book.letGo(text.pages);
    text.restart();
    for (const list of [this.running, this.waiting]) {
      const at = list.indexOf(text);
      if (at >= 0) list.splice(at, 1);
    }
    if (this.#next === text) this.#next = undefined;
  }

  /** What is computed in the next pass of an adapter: single tokens of running texts first, then prompts as far as they fit. */
  plan(adapter: string | undefined): Chunk[] {
    const chunks = new Map<GeneratingText, Chunk>();
    const own = this.running.filter((text) => text.adapter === adapter);
    const before = this.preemptions;
    for (const text of [...own.filter(isDecoding), ...own.filter((one) => !isDecoding(one))]) {
      // A text may have lost its place to one before it.
      if (this.running.includes(text)) this.#give(text, chunks);
    }
    while (this.preemptions === before && this.#room(chunks) > 0) {
      const text = this.#admit(adapter);
      if (text === undefined) break;
      this.#give(text, chunks);
    }
    return [...chunks.values()];
  }

  /** After a pass: pages that are full now are known to all. */
  settle({ text }: Chunk): void {
    for (; (text.known + 1) * PAGE_SIZE <= text.computed; text.known++) {
      const end = (text.known + 1) * PAGE_SIZE;
      text.beginning = this.#book.know(text.pages[text.known]!, text.beginning, text.tokens, end);
    }
  }

  /** Lets the next waiting text of an adapter in, with the pages that are known of its beginning; all of it must fit. */
  #admit(adapter: string | undefined): GeneratingText | undefined {
    if (this.running.length >= this.#limits.maxRunning) return undefined;
    const text = this.waiting.find((one) => one.adapter === adapter);
    if (text === undefined || (this.#next !== undefined && this.#next.arrival < text.arrival)) return undefined;
    // The last token is always computed, for what follows it.
    const { pages, beginning } = this.#book.hold(text.root, text.tokens.slice(0, -1));
    const missing = pagesFor(text.tokens.length + 1) - pages.length;
    if (missing > this.#book.available && this.running.length > 0) {
      this.#book.letGo(pages);
      this.#next = text;
      return undefined;
    }
    this.#next = undefined;
    this.waiting.splice(this.waiting.indexOf(text), 1);
    const at = this.running.findIndex(({ arrival }) => arrival > text.arrival);
    this.running.splice(at < 0 ? this.running.length : at, 0, text);
    text.pages = pages;
    text.known = pages.length;
    text.beginning = beginning;
    text.computed = pages.length * PAGE_SIZE;
    if (text.isFresh) {
      text.channel.cachedTokens = text.computed;
      this.cachedTokens += text.computed;
    }
    return text;
  }

  /** Tokens that still go into a pass. */
  #room(chunks: ReadonlyMap<GeneratingText, Chunk>): number {
    return [...chunks.values()].reduce((room, { text, end }) => room - (end - text.computed), this.#limits.maxTokens);
  }

  /** Gives a text its part of a pass, with pages for it. Later texts, or it itself, may lose theirs. */
  #give(text: GeneratingText, chunks: Map<GeneratingText, Chunk>): void {
    const end = text.computed + Math.min(text.missing, this.#room(chunks));
    if (end === text.computed) return;
    while (text.pages.length < pagesFor(end)) {
      const page = this.#book.take();
      if (page !== undefined) {
        text.pages.push(page);
        continue;
      }
      const last = this.running.at(-1)!;
      this.remove(last);
      this.add(last);
      chunks.delete(last);
      this.preemptions++;
      if (last === text) return;
    }
    chunks.set(text, { text, end });
  }
}

function isDecoding({ missing }: GeneratingText): boolean {
  return missing === 1;
}

/** Pages that hold so many tokens. */
export function pagesFor(tokens: number): number {
  return Math.ceil(tokens / PAGE_SIZE);
}
