/**
 * Packs: what one forward and backward pass consumes. The examples of a step are laid out as a forest; rows whose next
 * token is a target are listed, with the number of examples each stands for, so that loss and gradients equal those of
 * the examples one at a time.
 */
import type { Sequence } from "../../engine/nn/sequence.ts";
import { buildForest, commonLength, type Forest, lexicographicOrder } from "./forest.ts";

/** Views into the encoded data set. */
export interface EncodedExample {
  readonly ids: Int32Array;
  /** 1 where the token is a target. */
  readonly supervised: Uint8Array;
}

export interface Pack extends Sequence {
  /** Ascending indices of tokens whose successor is a target. */
  readonly rows: Int32Array;
  /** The successor of each row. */
  readonly targets: Int32Array;
  /** How many examples each row stands for. */
  readonly weights: Float32Array;
  readonly examples: number;
}

export interface PackOptions {
  /** Several examples in one pass. */
  readonly enabled: boolean;
  /** Beginnings that examples have in common are computed once. */
  readonly sharePrompts: boolean;
  /** Tokens of a pack; a longer example makes a pack of its own. */
  readonly maxTokens: number;
}

/** Below this many tokens, sharing costs more in layout than it saves. */
const MIN_SHARED = 16;

/** Lays out the examples of one step in as few packs as `maxTokens` allows. */
export function packExamples(examples: readonly EncodedExample[], options: PackOptions): Pack[] {
  const sequences = examples.map(({ ids }) => ids);
  const order = options.sharePrompts ? lexicographicOrder(sequences) : sequences.map((_, i) => i);
  return groups(sequences, order, options).map((group) => packOf(examples, sequences, group, options.sharePrompts));
}

/** The targets of all examples: what the step's loss is divided by. */
export function countTargets(examples: readonly EncodedExample[]): number {
  let count = 0;
  for (const { supervised } of examples) for (let i = 1; i < supervised.length; i++) count += supervised[i]!;
  return count;
}

function groups(sequences: readonly Int32Array[], order: readonly number[], options: PackOptions): number[][] {
  const packs: number[][] = [];
  let room = -1;
  for (const [i, member] of order.entries()) {
    const sequence = sequences[member]!;
    const previous = i > 0 && options.sharePrompts ? sequences[order[i - 1]!]! : undefined;
    const shared = previous ? commonLength(previous, sequence) : 0;
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

function packOf(
  examples: readonly EncodedExample[],
  sequences: readonly Int32Array[],
  group: readonly number[],
  share: boolean,
): Pack {
  const forest = buildForest(sequences, group, {
    minShared: share ? MIN_SHARED : Number.POSITIVE_INFINITY,
    // The last common row predicts what the examples do not have in common: where that is a target, it is theirs.
    shareEnd: (members, common) =>
      members.some((member) => examples[member]!.supervised[common] === 1) ? common - 1 : common,
  });
  return { ...forest, ...supervisedRows(examples, forest), examples: group.length };
}

function supervisedRows(
  examples: readonly EncodedExample[],
  { segments }: Forest,
): Pick<Pack, "rows" | "targets" | "weights"> {
  const rows: number[] = [];
  const targets: number[] = [];
  const weights: number[] = [];
  for (const { at, from, to, members } of segments) {
    for (let depth = from; depth < to; depth++) {
      const taught = members.filter((member) => examples[member]!.supervised[depth + 1] === 1);
      if (taught.length === 0) continue;
      rows.push(at + depth - from);
      targets.push(examples[taught[0]!]!.ids[depth + 1]!);
      weights.push(taught.length);
    }
  }
  return { rows: Int32Array.from(rows), targets: Int32Array.from(targets), weights: Float32Array.from(weights) };
}
