/** A byte-level BPE vocabulary: the 256 bytes first, then one token per merge, in the order the merges apply. */
export interface BpeModel {
  /** Token text (bytes written as the printable characters of `byteCharacters`) to id. */
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [left: string, right: string])[];
}

/**
 * GPT-2's printable stand-in of every byte (Radford et al. 2019, `bytes_to_unicode`): visible Latin-1 stands for
 * itself, the other bytes move to U+0100 and up.
 */
export const byteCharacters: readonly string[] = (() => {
  let shifted = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const visible = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(visible ? byte : shifted++);
  });
})();

/** Write text as the printable stand-ins of its UTF-8 bytes. */
export function toByteCharacters(text: string): string {
  let written = "";
  for (const byte of Buffer.from(text, "utf8")) written += byteCharacters[byte];
  return written;
}

/** Ids stay below 2^16, so a pair of them is one integer, and pairs compare like (left, right). */
const PAIR_BASE = 65536;

/**
 * Learn merges from counted words (Sennrich et al. 2016): join the most frequent adjacent pair of tokens, recount only
 * the words that hold it, and go on. Ties go to the smaller pair of ids, as in Hugging Face tokenizers.
 *
 * @param words word text to its weight, a positive integer
 * @param size entries wanted, the 256 bytes included; fewer come back only when no pair is left
 */
export function trainBpe(words: ReadonlyMap<string, number>, size: number): BpeModel {
  // Same order as Hugging Face: the byte alphabet sorted by its printable characters.
  const tokens = [...byteCharacters].sort();
  const vocab = new Map(tokens.map((token, id) => [token, id]));
  const merges: [string, string][] = [];

  const spelled: number[][] = [];
  const weights: number[] = [];
  const counts = new Map<number, number>();
  const holders = new Map<number, Set<number>>();
  const touched = new Set<number>();
  const count = (left: number, right: number, word: number, change: number): void => {
    const pair = left * PAIR_BASE + right;
    counts.set(pair, (counts.get(pair) ?? 0) + change);
    touched.add(pair);
    if (change < 0) return;
    const held = holders.get(pair);
    if (held === undefined) holders.set(pair, new Set([word]));
    else held.add(word);
  };

  for (const [text, weight] of words) {
    const ids = Array.from(toByteCharacters(text), (character) => vocab.get(character)!);
    for (let i = 1; i < ids.length; i++) count(ids[i - 1]!, ids[i]!, spelled.length, weight);
    spelled.push(ids);
    weights.push(weight);
  }
  const queue = new PairQueue();
  for (const pair of touched) queue.push(pair, counts.get(pair)!);

  while (tokens.length < size) {
    const top = queue.pop();
    if (top === undefined) break;
    const current = counts.get(top.pair) ?? 0;
    if (top.count !== current) {
      // An old entry: the count has fallen since it was queued, and a newer entry holds the present one.
      continue;
    }
    const left = Math.floor(top.pair / PAIR_BASE);
    const right = top.pair % PAIR_BASE;
    const joined = tokens.length;
    const token = tokens[left]! + tokens[right]!;
    tokens.push(token);
    vocab.set(token, joined);
    merges.push([tokens[left]!, tokens[right]!]);

    touched.clear();
    for (const word of holders.get(top.pair) ?? []) {
      const before = spelled[word]!;
      const after = joinPair(before, left, right, joined);
      if (after.length === before.length) continue;
      for (let i = 1; i < before.length; i++) count(before[i - 1]!, before[i]!, word, -weights[word]!);
      for (let i = 1; i < after.length; i++) count(after[i - 1]!, after[i]!, word, weights[word]!);
      spelled[word] = after;
    }
    counts.delete(top.pair);
    holders.delete(top.pair);
    for (const pair of touched) {
      const now = counts.get(pair) ?? 0;
      if (now > 0) queue.push(pair, now);
    }
  }
  return { vocab, merges };
}

/** Replace every `left right` by `joined`, from the left. */
function joinPair(ids: readonly number[], left: number, right: number, joined: number): number[] {
  const result: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      result.push(joined);
      i++;
    } else result.push(ids[i]!);
  }
  return result;
}

interface QueuedPair {
  readonly pair: number;
  readonly count: number;
}

/** Binary heap of pairs, greatest count first, then the smallest pair. */
class PairQueue {
  readonly #heap: QueuedPair[] = [];

  push(pair: number, count: number): void {
    const heap = this.#heap;
    const entry = { pair, count };
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!comesFirst(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  pop(): QueuedPair | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && comesFirst(heap[child + 1]!, heap[child]!)) child++;
      if (!comesFirst(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function comesFirst(a: QueuedPair, b: QueuedPair): boolean {
  return a.count > b.count || (a.count === b.count && a.pair < b.pair);
}
