import type { Encoding } from "./encoding.ts";
import type { PieceTokens } from "./piece-tokens.ts";

/** Collects tokens in typed arrays that grow by doubling. */
export class TokenSink {
  #ids = new Int32Array(256);
  #offsets = new Int32Array(512);
  #count = 0;

  push(id: number, begin: number, end: number): void {
    if (this.#count === this.#ids.length) this.#grow();
    const i = this.#count++;
    this.#ids[i] = id;
    this.#offsets[2 * i] = begin;
    this.#offsets[2 * i + 1] = end;
  }

  /** Appends the tokens of a piece that begins at `base`. @param from where they stand in `tokens`, up to `to` */
  appendPiece(tokens: PieceTokens, base: number, from = 0, to: number = tokens.length): void {
    for (let i = from; i < to; i += 3) this.push(tokens[i]!, base + tokens[i + 1]!, base + tokens[i + 2]!);
  }

  get length(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
  }

  /** Appends tokens whose offsets count from `base`. */
  append({ ids, offsets }: Encoding, base: number): void {
    while (this.#count + ids.length > this.#ids.length) this.#grow();
    this.#ids.set(ids, this.#count);
    if (base === 0) this.#offsets.set(offsets, 2 * this.#count);
    else for (let i = 0, to = 2 * this.#count; i < offsets.length; i++) this.#offsets[to + i] = offsets[i]! + base;
    this.#count += ids.length;
  }

  /** A copy of the tokens from the `first` on, with offsets that count from `base`. */
  from(first: number, base: number): Encoding {
    const offsets = this.#offsets.slice(2 * first, 2 * this.#count);
    if (base > 0) for (let i = 0; i < offsets.length; i++) offsets[i]! -= base;
    return { ids: this.#ids.slice(first, this.#count), offsets };
  }

  /** All tokens; valid until the sink changes. */
  view(): Encoding {
    return { ids: this.#ids.subarray(0, this.#count), offsets: this.#offsets.subarray(0, 2 * this.#count) };
  }

  #grow(): void {
    const ids = new Int32Array(this.#ids.length * 2);
    ids.set(this.#ids);
    this.#ids = ids;
    const offsets = new Int32Array(this.#offsets.length * 2);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
  }
}
