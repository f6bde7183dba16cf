import { KeyTable } from "./key-table.ts";
import { type Bands, bandKeys, bandsFor, signatureOf } from "./minhash.ts";
import { jaccard, shinglesOf } from "./shingles.ts";

/** A text as it is looked up: made once, since hashing is what costs. */
export interface Sketch {
  readonly shingles: Uint32Array;
  readonly keys: Uint32Array;
}

export interface Match {
  readonly id: number;
  readonly similarity: number;
}

/** Candidates compared for one text: texts of the same mould, all a little different, would take time squared. */
const MAX_CANDIDATES = 256;

/** Entries looked at for one text, those under several bands or of no use included. */
const MAX_VISITED = 16 * MAX_CANDIDATES;

/** Shingles kept of texts that were compared lately, 4 bytes each. */
const CACHED_SHINGLES = 1 << 22;

/**
 * Texts that can be asked for one similar to another. Candidates come from MinHash; each is then compared by its true
 * Jaccard similarity, so whatever is found is similar. Of the pairs at the threshold itself LEAST_RECALL are found, of
 * more similar ones more. Holds 16 to 32 bytes a band and text (see `bandsFor`: 17 bands at 0.7), whatever the texts' length.
 */
export class NearIndex {
  readonly #threshold: number;
  readonly #textOf: (id: number) => string;
  readonly #bands: Bands;
  readonly #table = new KeyTable();
  readonly #signature: Uint32Array;
  readonly #cache = new Map<number, Uint32Array>();
  #cached = 0;
  #cutShort = 0;

  /** @param textOf the text of what was added under an id */
  constructor(threshold: number, textOf: (id: number) => string) {
    this.#threshold = threshold;
    this.#textOf = textOf;
    this.#bands = bandsFor(threshold);
    this.#signature = new Uint32Array(this.#bands.count * this.#bands.rows);
  }

  /** Texts that had more candidates than are compared: for these, similar ones may have been missed. */
  get cutShort(): number {
    return this.#cutShort;
  }

  /** Undefined for a text without words. */
  sketch(text: string): Sketch | undefined {
    const shingles = shinglesOf(text);
    if (shingles.length === 0) return undefined;
    signatureOf(shingles, this.#signature);
    return { shingles, keys: bandKeys(this.#signature, this.#bands) };
  }

  add(id: number, { keys }: Sketch): void {
    for (const key of keys) this.#table.add(key, id);
  }

  /**
   * The similar text that was added under the lowest id.
   * @param accepts which ids are of use
   */
  find({ shingles, keys }: Sketch, accepts: (id: number) => boolean = () => true): Match | undefined {
    const candidates = this.#candidates(keys, accepts);
    for (const id of [...candidates].sort((a, b) => a - b)) {
      const similarity = jaccard(shingles, this.#shinglesOf(id));
      if (similarity >= this.#threshold) return { id, similarity };
    }
    return undefined;
  }

  #candidates(keys: Uint32Array, accepts: (id: number) => boolean): Set<number> {
    const candidates = new Set<number>();
    let visited = 0;
    for (const key of keys) {
      for (const id of this.#table.valuesOf(key)) {
        if (++visited > MAX_VISITED || candidates.size === MAX_CANDIDATES) {
          this.#cutShort++;
          return candidates;
        }
        if (!candidates.has(id) && accepts(id)) candidates.add(id);
      }
    }
    return candidates;
  }

  #shinglesOf(id: number): Uint32Array {
    const known = this.#cache.get(id);
    if (known !== undefined) return known;
    const shingles = shinglesOf(this.#textOf(id));
    this.#cache.set(id, shingles);
    this.#cached += shingles.length;
    for (const [oldest, { length }] of this.#cache) {
      if (this.#cached <= CACHED_SHINGLES || oldest === id) break;
      this.#cache.delete(oldest);
      this.#cached -= length;
    }
    return shingles;
  }
}
