/** Entries under 32-bit keys, several under one, in 16 to 32 bytes each: JavaScript's Map takes 40 and ends at 2^24. */
export class KeyTable {
  #heads = new Int32Array(1024).fill(-1);
  #next = new Int32Array(512);
  #keys = new Uint32Array(512);
  #values = new Int32Array(512);
  #length = 0;

  add(key: number, value: number): void {
    if (this.#length === this.#keys.length) this.#grow();
    const entry = this.#length++;
    this.#keys[entry] = key;
    this.#values[entry] = value;
    this.#link(entry);
  }

  /** The values under a key, last added first. */
  *valuesOf(key: number): Generator<number> {
    for (let entry = this.#heads[key & (this.#heads.length - 1)]!; entry >= 0; entry = this.#next[entry]!) {
      if (this.#keys[entry] === key) yield this.#values[entry]!;
    }
  }

  #link(entry: number): void {
    const slot = this.#keys[entry]! & (this.#heads.length - 1);
    this.#next[entry] = this.#heads[slot]!;
    this.#heads[slot] = entry;
  }

  #grow(): void {
    const size = this.#keys.length * 2;
    this.#heads = new Int32Array(size).fill(-1);
    this.#next = new Int32Array(size);
    this.#keys = copied(this.#keys, new Uint32Array(size));
    this.#values = copied(this.#values, new Int32Array(size));
    for (let entry = 0; entry < this.#length; entry++) this.#link(entry);
  }
}

function copied<T extends Int32Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
