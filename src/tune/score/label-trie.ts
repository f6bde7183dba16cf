/**
 * Label tries: what one forward pass needs to score many answers exactly (docs/architecture.md, "Packs"). Every
 * candidate is a whole sequence, prompt and answer; a pack lays them out as a forest, so that a prompt is computed once
 * for all its labels, a beginning that labels share once, and instructions that prompts share once for all examples.
 */
import type { Sequence } from "../../engine/nn/sequence.ts";
import { buildForest, commonLength, type Forest, lexicographicOrder } from "../data/forest.ts";

/** One answer to one prompt. */
export interface Candidate {
  /** Prompt and answer, through the token that ends the turn. */
  readonly ids: Int32Array;
  /** Index of the answer's first token, at least 1. */
  readonly begin: number;
}

/** Candidates laid out for one forward pass; an edge is a token that a row must predict. */
export interface LabelTrie extends Sequence {
  /** Ascending indices of the tokens whose next token is scored. */
  readonly rows: Int32Array;
  /** Per edge: index into `rows`, ascending. */
  readonly edgeRow: Int32Array;
  /** Per edge: the token predicted. */
  readonly edgeToken: Int32Array;
  /** Indices of the candidates that are in this pack. */
  readonly members: readonly number[];
  /** Per member: its edges, whose log-probabilities add up to the answer's. */
  readonly edges: readonly Int32Array[];
}

/**
 * Lays out candidates in as few tries as `maxTokens` allows. A trie has more tokens only when a single candidate does.
 */
export function buildLabelTries(candidates: readonly Candidate[], maxTokens: number): LabelTrie[] {
  // The last token of an answer is only predicted.
  const inputs = candidates.map(({ ids }) => ids.subarray(0, -1));
  return groups(inputs, lexicographicOrder(inputs), maxTokens).map((group) =>
    trieOf(candidates, group, buildForest(inputs, group, { minShared: 1 })),
  );
}

/** Runs of `order` whose tries hold at most `maxTokens`: each sequence costs what it does not share with the last. */
function groups(inputs: readonly Int32Array[], order: readonly number[], maxTokens: number): number[][] {
  const packs: number[][] = [];
  let room = -1;
  for (const [i, member] of order.entries()) {
    const input = inputs[member]!;
    const own = i === 0 ? input.length : input.length - commonLength(inputs[order[i - 1]!]!, input);
    if (own > room) {
      packs.push([]);
      room = maxTokens - input.length;
    } else {
      room -= own;
    }
    packs.at(-1)!.push(member);
  }
  return packs;
}

function trieOf(candidates: readonly Candidate[], group: readonly number[], forest: Forest): LabelTrie {
  const rows: number[] = [];
  const edgeRow: number[] = [];
  const edgeToken: number[] = [];
  const edgesOf = new Map<number, number[]>(group.map((member) => [member, []]));
  for (const { at, from, to, members } of forest.segments) {
    const firstBegin = members.reduce((least, member) => Math.min(least, candidates[member]!.begin), to + 1);
    for (let depth = Math.max(from, firstBegin - 1); depth < to; depth++) {
      const edgeOf = new Map<number, number>();
      for (const member of members) {
        const { ids, begin } = candidates[member]!;
        if (depth + 1 < begin) continue;
        const token = ids[depth + 1]!;
        let edge = edgeOf.get(token);
        if (edge === undefined) {
          edge = edgeToken.length;
          edgeOf.set(token, edge);
          edgeRow.push(rows.length);
          edgeToken.push(token);
        }
        edgesOf.get(member)!.push(edge);
      }
      if (edgeOf.size > 0) rows.push(at + depth - from);
    }
  }
  return {
    tokens: forest.tokens,
    positions: forest.positions,
    expiry: forest.expiry,
    rows: Int32Array.from(rows),
    edgeRow: Int32Array.from(edgeRow),
    edgeToken: Int32Array.from(edgeToken),
    members: group,
    edges: group.map((member) => Int32Array.from(edgesOf.get(member)!)),
  };
}
