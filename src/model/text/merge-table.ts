/**
 * Which pairs of tokens merge, at which rank and into what: an open-addressing hash table in typed arrays, because a
 * `Map` keyed by pairs is several times slower and larger for the usual 150,000 to 600,000 merges.
 */
export class MergeTable {
  readonly #mask: number;
  /** Per slot: left id + 1 (0 = empty), right id, rank, merged id. */
  readonly #slots: Int32Array;

  constructor(capacity: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(2, capacity * 2)));
    this.#mask = size - 1;
    this.#slots = new Int32Array(size * 4);
  }

  /** Of equal pairs the last one counts, as in the reference implementation. */
  set(left: number, right: number, rank: number, merged: number): void {
    const slots = this.#slots;
    let slot = this.#hash(left, right);
    while (slots[slot] !== 0 && (slots[slot] !== left + 1 || slots[slot + 1] !== right)) slot = this.#next(slot);
    slots[slot] = left + 1;
    slots[slot + 1] = right;
    slots[slot + 2] = rank;
    slots[slot + 3] = merged;
  }

  /** A handle for `rank` and `merged`, or -1. */
  find(left: number, right: number): number {
    const slots = this.#slots;
    let slot = this.#hash(left, right);
    while (slots[slot] !== 0) {
      if (slots[slot] === left + 1 && slots[slot + 1] === right) return slot;
      slot = this.#next(slot);
    }
    return -1;
  }

  rank(handle: number): number {
    return this.#slots[handle + 2]!;
  }

  merged(handle: number): number {
    return this.#slots[handle + 3]!;
  }

  #hash(left: number, right: number): number {
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash ^= hash >>> 15;
    return ((Math.imul(hash, 0x2c1b3c6d) >>> 7) & this.#mask) << 2;
  }

  #next(slot: number): number {
    return (slot + 4) & ((this.#mask << 2) | 3);
  }
}
