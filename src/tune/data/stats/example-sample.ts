import { Random } from "../../../base/random.ts";
import type { EncodedExample } from "../pack.ts";

/** Most examples that are kept, and most of their tokens. */
const MAX_EXAMPLES = 8192;
const MAX_TOKENS = 4 * 2 ** 20;

/**
 * Examples drawn evenly from a stream of unknown length (reservoir sampling, Vitter 1985, algorithm R), in bounded memory:
 * all of them as long as they are few and short.
 */
export class ExampleSample {
  readonly #random: Random;
  readonly #kept: EncodedExample[] = [];
  #tokens = 0;
  #capacity = MAX_EXAMPLES;
  #seen = 0;

  constructor(seed: number) {
    this.#random = new Random(seed, "sample of examples");
  }

  add(example: EncodedExample): void {
    this.#seen++;
    if (this.#kept.length < this.#capacity) {
      this.#keep(example, this.#kept.length);
    } else {
      const place = this.#random.integer(this.#seen);
      if (place < this.#capacity) this.#keep(example, place);
    }
    while (this.#tokens > MAX_TOKENS && this.#kept.length > 1) this.#drop();
  }

  /** Whether nothing was left out. */
  get complete(): boolean {
    return this.#kept.length === this.#seen;
  }

  get examples(): readonly EncodedExample[] {
    return this.#kept;
  }

  #keep(example: EncodedExample, place: number): void {
    this.#tokens += example.ids.length - (this.#kept[place]?.ids.length ?? 0);
    this.#kept[place] = { ...example, ids: example.ids.slice(), supervised: example.supervised.slice() };
  }

  /** Makes the sample smaller by one that is drawn, so that it stays an even one. */
  #drop(): void {
    const place = this.#random.integer(this.#kept.length);
    this.#tokens -= this.#kept[place]!.ids.length;
    this.#kept[place] = this.#kept.at(-1)!;
    this.#kept.pop();
    this.#capacity = this.#kept.length;
  }
}
