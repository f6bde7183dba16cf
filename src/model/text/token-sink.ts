import type { Encoding } from "./encoding.ts";

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

  encoding(): Encoding {
    return { ids: this.#ids.slice(0, this.#count), offsets: this.#offsets.slice(0, this.#count * 2) };
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
