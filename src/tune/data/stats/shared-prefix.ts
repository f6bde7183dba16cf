import { commonLength } from "../forest.ts";

/** The longest beginning that all sequences given so far have in common. */
export class SharedPrefix {
  #prefix: Int32Array | undefined;

  add(ids: Int32Array): void {
    this.#prefix = this.#prefix === undefined ? ids.slice() : this.#prefix.subarray(0, commonLength(this.#prefix, ids));
  }

  get tokens(): Int32Array {
    return this.#prefix ?? new Int32Array(0);
  }
}

/** How many tokens at least `share` of the sequences begin with alike, following the most frequent token each time. */
export function usualPrefix(sequences: readonly Int32Array[], share: number): number {
  const needed = Math.max(1, Math.ceil(share * sequences.length));
  let alike = sequences;
  for (let depth = 0; ; depth++) {
    const counts = new Map<number, number>();
    for (const ids of alike) if (ids.length > depth) counts.set(ids[depth]!, (counts.get(ids[depth]!) ?? 0) + 1);
    const [token, count] = [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [-1, 0]);
    if (count < needed) return depth;
    alike = alike.filter((ids) => ids[depth] === token);
  }
}
