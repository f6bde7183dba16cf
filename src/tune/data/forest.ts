/**
 * Token sequences as a forest whose shared beginnings exist once (docs/architecture.md, "Packs"): segments in
 * depth-first order, laid out flat. A key expires at the end of its segment's subtree, so every token sees exactly
 * the tokens of its own sequence before it.
 */
import type { Sequence } from "../../engine/nn/sequence.ts";

/** Tokens `from`..`to` of the sequences `members`, which are equal up to `to`. */
export interface Segment {
  /** Flat index of the first token. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
  /** Flat index after the last token of the segments below. */
  readonly expiry: number;
  /** Indices of the sequences that run through here. */
  readonly members: readonly number[];
}

export interface Forest extends Sequence {
  readonly segments: readonly Segment[];
}

export interface ForestOptions {
  /** Beginnings are shared when that saves at least this many tokens per sequence; Infinity shares nothing. */
  readonly minShared: number;
  /**
   * Where a segment of sequences that are equal up to `common` may end: at `common`, or earlier when the last rows
   * must belong to each sequence on its own.
   */
  readonly shareEnd?: (members: readonly number[], common: number) => number;
  /** Tokens that all sequences are known to begin with; see `commonBeginning`. Default 0. */
  readonly beginning?: number;
}

/** How many tokens two sequences have in common at their beginnings. @param known that they have in common at least */
export function commonLength(a: Int32Array, b: Int32Array, known = 0): number {
  const limit = Math.min(a.length, b.length);
  let length = known;
  while (length < limit && a[length] === b[length]) length++;
  return length;
}

/** How many tokens all sequences begin with. */
export function commonBeginning(sequences: readonly Int32Array[]): number {
  const [first, ...others] = sequences;
  if (first === undefined) return 0;
  let common = first.length;
  for (const other of others) {
    let length = 0;
    const limit = Math.min(common, other.length);
    while (length < limit && first[length] === other[length]) length++;
    common = length;
  }
  return common;
}

/**
 * Indices of the sequences in lexicographic order of their tokens, ties in the order given.
 * @param beginning tokens that all are known to begin with
 */
export function lexicographicOrder(sequences: readonly Int32Array[], beginning = 0): number[] {
  const compare = (i: number, j: number): number => {
    const a = sequences[i]!;
    const b = sequences[j]!;
    const at = commonLength(a, b, beginning);
    return (a[at] ?? -1) - (b[at] ?? -1) || i - j;
  };
  return sequences.map((_, i) => i).sort(compare);
}

/** @param order indices into `sequences`, lexicographically sorted: what is shared lies side by side. */
export function buildForest(
  sequences: readonly Int32Array[],
  order: readonly number[],
  { minShared, shareEnd = (_, common) => common, beginning = 0 }: ForestOptions,
): Forest {
  const withNext = order
    .slice(1)
    .map((member, i) => commonLength(sequences[order[i]!]!, sequences[member]!, beginning));
  const segments: Segment[] = [];
  let length = 0;

  /** Lays out order[low..high), which are equal up to `from` at least. */
  function place(low: number, high: number, from: number): void {
    const members = order.slice(low, high);
    const first = sequences[members[0]!]!;
    const common =
      high - low === 1
        ? first.length
        : withNext.slice(low, high - 1).reduce((least, n) => Math.min(least, n), first.length);
    const to = high - low === 1 ? common : Math.max(shareEnd(members, common), from);
    const at = length;
    length += to - from;
    const index = segments.length;
    if (to > from) segments.push({ at, from, to, expiry: 0, members });
    if (high - low > 1) placeGroups(low, high, to);
    if (to > from) segments[index] = { at, from, to, expiry: length, members };
  }

  /** Splits order[low..high) where too little is shared beyond `from`, and lays out each part. */
  function placeGroups(low: number, high: number, from: number): void {
    let begin = low;
    for (let i = low; i < high; i++) {
      const shares = i + 1 < high && withNext[i]! >= from + minShared;
      if (shares) continue;
      if (sequences[order[begin]!]!.length > from || i > begin) place(begin, i + 1, from);
      begin = i + 1;
    }
  }

  placeGroups(0, order.length, 0);
  return { ...laidOut(sequences, segments, length), segments };
}

/** The tokens of segments, `length` in all. */
function laidOut(sequences: readonly Int32Array[], segments: readonly Segment[], length: number): Sequence {
  const tokens = new Int32Array(length);
  const positions = new Int32Array(length);
  const expiry = new Int32Array(length);
  for (const { at, from, to, expiry: end, members } of segments) {
    const sequence = sequences[members[0]!]!;
    for (let depth = from, i = at; depth < to; depth++, i++) {
      tokens[i] = sequence[depth]!;
      positions[i] = depth;
      expiry[i] = end;
    }
  }
  return { tokens, positions, expiry };
}
