/**
 * MinHash (Broder 1997): the smallest of a set's hashes under one hash function agrees with another set's as often as
 * their Jaccard similarity says. Signatures are cut into bands, and sets that agree in a whole band are candidates
 * (Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", 3.4).
 */
import { mix32, Random } from "../../../base/random.ts";

/** Hash functions that there are. */
export const HASHES = 128;

const multipliers = new Uint32Array(HASHES);
const offsets = new Uint32Array(HASHES);
const random = new Random(0, "minhash");
for (let i = 0; i < HASHES; i++) {
  multipliers[i] = random.uint32() | 1;
  offsets[i] = random.uint32();
}

/**
 * The signature of a set that is not empty.
 * @param set hashes of 32 bits
 * @param signature overwritten; at most HASHES long
 */
export function signatureOf(set: Uint32Array, signature: Uint32Array): void {
  signature.fill(0xffffffff);
  for (let j = 0; j < set.length; j++) {
    const element = set[j]!;
    for (let i = 0; i < signature.length; i++) {
      let hash = Math.imul(element ^ offsets[i]!, multipliers[i]!);
      // The low bits of a product know nothing of the factors' high ones.
      hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97) >>> 0;
      if (hash < signature[i]!) signature[i] = hash;
    }
  }
}

/** The share of places where two signatures agree: an estimate of the Jaccard similarity. */
export function estimateJaccard(a: Uint32Array, b: Uint32Array): number {
  let equal = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) equal++;
  return equal / a.length;
}

export interface Bands {
  readonly count: number;
  /** Places of the signature in each. */
  readonly rows: number;
}

/** Share of the pairs at the threshold that must become candidates; of more similar pairs it is more. */
export const LEAST_RECALL = 0.99;

/**
 * The widest bands, thus the fewest false candidates, that find pairs of the similarity `threshold` often enough, and as
 * few of them as that takes: 17 of 4 hashes at 0.7.
 */
export function bandsFor(threshold: number): Bands {
  for (let rows = HASHES; rows > 0; rows--) {
    for (let count = 1; count * rows <= HASHES; count++) {
      if (recallOf({ count, rows }, threshold) >= LEAST_RECALL) return { count, rows };
    }
  }
  throw new RangeError(`${HASHES} hashes are too few for a similarity of ${threshold}`);
}

/** How likely a pair of that similarity agrees in a band: 1 - (1 - s^rows)^count. */
export function recallOf({ count, rows }: Bands, similarity: number): number {
  return 1 - (1 - similarity ** rows) ** count;
}

/** @returns a hash of each band, [bands.count] */
export function bandKeys(signature: Uint32Array, { count, rows }: Bands): Uint32Array {
  const keys = new Uint32Array(count);
  for (let band = 0; band < count; band++) {
    let key = mix32(band + 1);
    for (let i = band * rows; i < (band + 1) * rows; i++) key = mix32(key ^ signature[i]!);
    keys[band] = key;
  }
  return keys;
}
