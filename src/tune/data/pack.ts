/**
 * Packs: what one forward and backward pass consumes. The examples of a step are laid out as a forest; rows whose next
 * token is a target are listed, with the number of examples each stands for, so that loss and gradients equal those of
 * the examples one at a time.
 */
import type { Sequence } from "../../engine/nn/sequence.ts";
import type { Pooling } from "../../model/families/class-head.ts";
import { buildForest, commonBeginning, commonLength, type Forest, lexicographicOrder } from "./forest.ts";

/** Views into the encoded data set. */
export interface EncodedExample {
  readonly ids: Int32Array;
  /** 1 where the token is a target; for a class head, at the last token. */
  readonly supervised: Uint8Array;
  /** For a class head: indices of the labels. */
  readonly labels?: readonly number[];
  /** What the loss of each of its targets is multiplied by; default 1. */
  readonly weight?: number;
  /** What each of its targets counts in the mean; default `weight`. */
  readonly share?: number;
}

export interface Pack extends Sequence {
  /** Ascending indices of tokens whose successor is a target; for a class head, of the tokens that it reads. */
  readonly rows: Int32Array;
  /** The successor of each row; for a class head the first of each example's labels. */
  readonly targets: Int32Array;
  /** What the loss of each target is multiplied by: the sum over the examples that it stands for. */
  readonly weights: Float32Array;
  /** For a class head: the labels of each example. */
  readonly labels?: readonly (readonly number[])[];
  /** For a class head that reads the mean of each text: where they begin, and the end of the last. `rows` are all tokens. */
  readonly begins?: Int32Array;
  readonly examples: number;
}

export interface PackOptions {
  /** Several examples in one pass. */
  readonly enabled: boolean;
  /** Beginnings that examples have in common are computed once. */
  readonly sharePrompts: boolean;
  /** Tokens of a pack; a longer example makes a pack of its own. */
  readonly maxTokens: number;
  /**
   * Which tokens a class head reads; default: the last one of each example. What reads others also sees what follows, so
   * that no beginning is the same in two examples, and none is shared.
   */
  readonly pooling?: Pooling | undefined;
}

/** Below this many tokens, sharing costs more in layout than it saves. */
export const MIN_SHARED = 16;

/** Lays out the examples of one step in as few packs as `maxTokens` allows. */
export function packExamples(examples: readonly EncodedExample[], options: PackOptions): Pack[] {
  const { pooling = "last" } = options;
  const sharePrompts = options.sharePrompts && pooling === "last";
  const sequences = examples.map(({ ids }) => ids);
  const beginning = sharePrompts ? commonBeginning(sequences) : 0;
  const order = sharePrompts ? lexicographicOrder(sequences, beginning) : sequences.map((_, i) => i);
  return groups(sequences, order, { ...options, sharePrompts, beginning }).map((group) =>
    packOf(examples, sequences, group, {
      minShared: sharePrompts ? MIN_SHARED : Number.POSITIVE_INFINITY,
      beginning,
      pooling,
    }),
  );
}

/** What the targets of all examples count together: what the step's loss is divided by. */
export function countTargets(examples: readonly EncodedExample[]): number {
  let count = 0;
  for (const { supervised, labels, weight = 1, share = weight } of examples) {
    let own = labels === undefined ? 0 : 1;
    if (labels === undefined) for (let i = 1; i < supervised.length; i++) own += supervised[i]!;
    count += share * own;
  }
  return count;
}

function groups(
  sequences: readonly Int32Array[],
  order: readonly number[],
  options: PackOptions & { readonly beginning: number },
): number[][] {
  const packs: number[][] = [];
  let room = -1;
  for (const [i, member] of order.entries()) {
    const sequence = sequences[member]!;
    const previous = i > 0 && options.sharePrompts ? sequences[order[i - 1]!]! : undefined;
    const shared = previous ? commonLength(previous, sequence, options.beginning) : 0;
    // What a beginning shares beyond its group's may stay unshared, up to MIN_SHARED tokens.
    const own = sequence.length - Math.max(0, shared - MIN_SHARED);
    if (!options.enabled || own > room) {
      packs.push([]);
      room = options.maxTokens - sequence.length;
    } else {
      room -= own;
    }
    packs.at(-1)!.push(member);
  }
  return packs;
}

interface LayoutOptions {
  readonly minShared: number;
  /** Tokens that all examples begin with. */
  readonly beginning: number;
  readonly pooling: Pooling;
}

function packOf(
  examples: readonly EncodedExample[],
  sequences: readonly Int32Array[],
  group: readonly number[],
  layout: LayoutOptions,
): Pack {
  const { minShared, beginning } = layout;
  if (examples[group[0]!]!.labels !== undefined) return pooledPack(examples, sequences, group, layout);
  const forest = buildForest(sequences, group, {
    minShared,
    beginning,
    // The last common row predicts what the examples do not have in common: where that is a target, it is theirs.
    shareEnd: (members, common) =>
      members.some((member) => examples[member]!.supervised[common] === 1) ? common - 1 : common,
  });
  return { ...forest, ...supervisedRows(examples, forest), examples: group.length };
}

/**
 * For a class head: one row an example, its last token, which no other example shares, or its first where nothing is
 * shared; or all of its rows.
 */
function pooledPack(
  examples: readonly EncodedExample[],
  sequences: readonly Int32Array[],
  group: readonly number[],
  { minShared, beginning, pooling }: LayoutOptions,
): Pack {
  const forest = buildForest(sequences, group, {
    minShared,
    beginning,
    shareEnd: (members, common) =>
      members.some((member) => sequences[member]!.length === common) ? common - 1 : common,
  });
  const ends = forest.segments.flatMap(({ at, from, to, members }) =>
    members
      .filter((member) => sequences[member]!.length === to)
      .map((member) => ({ member, row: pooling === "last" ? at + to - 1 - from : at })),
  );
  const ordered = ends.sort((a, b) => a.row - b.row).map(({ member, row }) => ({ row, ...examples[member]! }));
  const labels = ordered.map(({ labels = [] }) => labels);
  const rows = Int32Array.from(ordered, ({ row }) => row);
  const all = forest.tokens.length;
  return {
    ...forest,
    ...(pooling === "mean" ? { rows: forest.tokens.map((_, i) => i), begins: Int32Array.of(...rows, all) } : { rows }),
    targets: Int32Array.from(labels, (own) => own[0] ?? 0),
    weights: Float32Array.from(ordered, ({ weight = 1 }) => weight),
    labels,
    examples: group.length,
  };
}

function supervisedRows(
  examples: readonly EncodedExample[],
  { segments }: Forest,
): Pick<Pack, "rows" | "targets" | "weights"> {
  const rows: number[] = [];
  const targets: number[] = [];
  const weights: number[] = [];
  for (const { at, from, to, members } of segments) {
    for (let depth = firstTarget(examples, members, from + 1); depth <= to; depth++) {
      let taught: EncodedExample | undefined;
      let weight = 0;
      for (const member of members) {
        const example = examples[member]!;
        if (example.supervised[depth] !== 1) continue;
        taught ??= example;
        weight += example.weight ?? 1;
      }
      if (taught === undefined) continue;
      rows.push(at + depth - 1 - from);
      targets.push(taught.ids[depth]!);
      weights.push(weight);
    }
  }
  return { rows: Int32Array.from(rows), targets: Int32Array.from(targets), weights: Float32Array.from(weights) };
}

/** Index of the first token, from one on, that some example is to learn; Infinity where there is none. */
function firstTarget(examples: readonly EncodedExample[], members: readonly number[], from: number): number {
  let first = Number.POSITIVE_INFINITY;
  for (const member of members) {
    const at = examples[member]!.supervised.indexOf(1, from);
    if (at >= 0 && at < first) first = at;
  }
  return first;
}
