/** Who has which page of a cache, and which pages hold a beginning that may come again. On the host. */
import { PAGE_SIZE } from "./paged-cache.ts";

/** A beginning of whole pages: what a text's first tokens, under one adapter, led to. Never given twice. */
export type Beginning = number;

interface KeptPage {
  readonly page: number;
  readonly beginning: Beginning;
}

/**
 * A page is free, held by one or more texts, or kept: nobody holds it, but it is full and its tokens are known. A kept page
 * is given away when there is no free one, the least recently held first. A page's key is the beginning before it and its
 * own tokens, so that two texts share a page only when all their tokens up to its end are the same.
 */
export class PageBook {
  readonly pages: number;
  readonly #free: number[];
  readonly #holders: Int32Array;
  readonly #keys: (string | undefined)[];
  readonly #known = new Map<string, KeptPage>();
  /** Kept pages, the least recently held first. */
  readonly #idle = new Set<number>();
  #beginnings = 0;

  constructor(pages: number) {
    this.pages = pages;
    this.#free = Array.from({ length: pages }, (_, i) => pages - 1 - i);
    this.#holders = new Int32Array(pages);
    this.#keys = new Array<string | undefined>(pages).fill(undefined);
  }

  /** Pages that somebody holds. */
  get used(): number {
    return this.pages - this.available;
  }

  get kept(): number {
    return this.#idle.size;
  }

  /** Pages that can be had. */
  get available(): number {
    return this.#free.length + this.#idle.size;
  }

  /** The beginning of no tokens, for texts that share with each other only. */
  newRoot(): Beginning {
    return this.#beginnings++;
  }

  /** The known pages that a text begins with, now held by the caller, and the beginning that they are. */
  hold(root: Beginning, tokens: readonly number[]): { readonly pages: number[]; readonly beginning: Beginning } {
    const pages: number[] = [];
    let beginning = root;
    for (let end = PAGE_SIZE; end <= tokens.length; end += PAGE_SIZE) {
      const known = this.#known.get(keyOf(beginning, tokens, end));
      if (known === undefined) break;
      if (this.#holders[known.page]!++ === 0) this.#idle.delete(known.page);
      pages.push(known.page);
      beginning = known.beginning;
    }
    return { pages, beginning };
  }

  /** A page for the caller to fill; undefined when all are held. */
  take(): number | undefined {
    const page = this.#free.pop() ?? this.#giveUp();
    if (page !== undefined) this.#holders[page] = 1;
    return page;
  }

  /**
   * Makes the tokens of a page known that the caller has filled, the last of `tokens` up to `end`.
   * @returns the beginning up to its end
   */
  know(page: number, before: Beginning, tokens: readonly number[], end: number): Beginning {
    const key = keyOf(before, tokens, end);
    const known = this.#known.get(key);
    if (known !== undefined) return known.beginning;
    const beginning = this.#beginnings++;
    this.#known.set(key, { page, beginning });
    this.#keys[page] = key;
    return beginning;
  }

  /** The caller's hold on pages ends. The last ones are given away first, since they need those before them. */
  letGo(pages: readonly number[]): void {
    for (const page of pages.toReversed()) {
      if (--this.#holders[page]! > 0) continue;
      if (this.#keys[page] === undefined) this.#free.push(page);
      else this.#idle.add(page);
    }
  }

  /** The page longest without a holder, whose tokens are known no more. */
  #giveUp(): number | undefined {
    const [page] = this.#idle;
    if (page === undefined) return undefined;
    this.#idle.delete(page);
    this.#known.delete(this.#keys[page]!);
    this.#keys[page] = undefined;
    return page;
  }
}

function keyOf(before: Beginning, tokens: readonly number[], end: number): string {
  return `${before}:${tokens.slice(end - PAGE_SIZE, end).join()}`;
}
