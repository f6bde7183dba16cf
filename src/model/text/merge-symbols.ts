import type { MergeTable } from "./merge-table.ts";
import type { PieceTokens } from "./piece-tokens.ts";

/** The symbols of a piece, in order: token id and range in UTF-16 units. */
export interface Symbols {
  readonly ids: number[];
  readonly begins: number[];
  readonly ends: number[];
}

/** Rank and position share one number in the queue: rank · 2^26 + position, exact below 2^53. */
const POSITIONS = 2 ** 26;

/** Symbols up to which a heap does not pay. */
const FEW = 24;
/** Where each pair of few symbols stands in the table of merges; -1 for none. */
const handles = new Int32Array(FEW);

/**
 * Merges symbols until no pair is left, lowest rank first, leftmost on ties: a binary heap over a linked list, so that
 * a piece of n symbols takes O(n log n) however long it is. Overwrites `symbols`.
 */
export function mergeSymbols(symbols: Symbols, merges: MergeTable): PieceTokens {
  return symbols.ids.length <= FEW ? mergeFew(symbols, merges) : mergeMany(symbols, merges);
}

/** The same for a word: looking at all pairs each time is quicker than keeping them in order. */
function mergeFew({ ids, begins, ends }: Symbols, merges: MergeTable): PieceTokens {
  let count = ids.length;
  for (let i = 0; i + 1 < count; i++) handles[i] = merges.find(ids[i]!, ids[i + 1]!);
  for (;;) {
    let best = -1;
    let bestRank = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < count; i++) {
      const rank = handles[i]! < 0 ? Number.POSITIVE_INFINITY : merges.rank(handles[i]!);
      if (rank >= bestRank) continue;
      best = i;
      bestRank = rank;
    }
    if (best < 0) break;
    ids[best] = merges.merged(handles[best]!);
    ends[best] = ends[best + 1]!;
    count--;
    for (let i = best + 1; i < count; i++) {
      ids[i] = ids[i + 1]!;
      begins[i] = begins[i + 1]!;
      ends[i] = ends[i + 1]!;
      handles[i] = handles[i + 1]!;
    }
    if (best > 0) handles[best - 1] = merges.find(ids[best - 1]!, ids[best]!);
    if (best + 1 < count) handles[best] = merges.find(ids[best]!, ids[best + 1]!);
  }
  const tokens = new Int32Array(3 * count);
  for (let i = 0; i < count; i++) {
    tokens[3 * i] = ids[i]!;
    tokens[3 * i + 1] = begins[i]!;
    tokens[3 * i + 2] = ends[i]!;
  }
  return tokens;
}

function mergeMany({ ids, begins, ends }: Symbols, merges: MergeTable): PieceTokens {
  const count = ids.length;
  const next = new Int32Array(count);
  const previous = new Int32Array(count);
  /** Rank of the pair that starts here, -1 when there is none (any more). */
  const ranks = new Int32Array(count).fill(-1);
  const heap: number[] = [];
  const consider = (position: number): void => {
    const follower = next[position]!;
    const handle = follower < count ? merges.find(ids[position]!, ids[follower]!) : -1;
    const rank = handle < 0 ? -1 : merges.rank(handle);
    ranks[position] = rank;
    if (rank >= 0) pushHeap(heap, rank * POSITIONS + position);
  };
  for (let i = 0; i < count; i++) {
    next[i] = i + 1;
    previous[i] = i - 1;
  }
  for (let i = 0; i < count - 1; i++) consider(i);
  let left = count;
  while (heap.length > 0) {
    const entry = popHeap(heap);
    const position = entry % POSITIONS;
    if (ranks[position] !== Math.floor(entry / POSITIONS)) continue;
    const follower = next[position]!;
    ids[position] = merges.merged(merges.find(ids[position]!, ids[follower]!));
    ends[position] = ends[follower]!;
    ranks[follower] = -1;
    const after = next[follower]!;
    next[position] = after;
    if (after < count) previous[after] = position;
    left--;
    consider(position);
    if (previous[position]! >= 0) consider(previous[position]!);
  }
  const tokens = new Int32Array(left * 3);
  for (let position = 0, i = 0; position < count; position = next[position]!, i += 3) {
    tokens[i] = ids[position]!;
    tokens[i + 1] = begins[position]!;
    tokens[i + 2] = ends[position]!;
  }
  return tokens;
}

function pushHeap(heap: number[], value: number): void {
  let child = heap.length;
  heap.push(value);
  while (child > 0) {
    const parent = (child - 1) >>> 1;
    if (heap[parent]! <= value) break;
    heap[child] = heap[parent]!;
    child = parent;
  }
  heap[child] = value;
}

function popHeap(heap: number[]): number {
  const top = heap[0]!;
  const value = heap.pop()!;
  const size = heap.length;
  if (size === 0) return top;
  let parent = 0;
  for (;;) {
    let child = parent * 2 + 1;
    if (child >= size) break;
    if (child + 1 < size && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= value) break;
    heap[parent] = heap[child]!;
    parent = child;
  }
  heap[parent] = value;
  return top;
}
