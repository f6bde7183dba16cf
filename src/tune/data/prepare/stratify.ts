/**
 * Which side of a split each group of rows goes to, such that every side has each label's share: iterative
 * stratification (Sechidis, Tsoumakas, Vlahavas 2011, "On the stratification of multi-label data"), taken to groups of
 * rows as scikit-learn's StratifiedGroupKFold does, the largest first.
 */

/** Rows that stay together. The labels of group g are the entries starts[g] to starts[g + 1]. */
export interface RowGroups {
  /** How many rows, [groups]. */
  readonly sizes: Uint32Array;
  /** Decides between groups of one size; the lower goes first. [groups] */
  readonly ranks: Float64Array;
  /** [groups + 1] */
  readonly starts: Uint32Array;
  /** Each label that rows of the group have, once. [entries] */
  readonly labels: Uint32Array;
  /** How many of its rows have it. [entries] */
  readonly counts: Uint32Array;
}

/**
 * @param shares of the rows that each side is to have, together 1; the first side takes what is in doubt
 * @returns the side of each group
 */
export function stratify(groups: RowGroups, shares: readonly number[]): Uint8Array {
  const { sizes, ranks, starts, labels, counts } = groups;
  const sides = new Uint8Array(sizes.length).fill(OPEN);
  const order = Uint32Array.from(sizes.keys()).sort((a, b) => sizes[b]! - sizes[a]! || ranks[a]! - ranks[b]! || a - b);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const wanted = shares.map((share) => share * total);
  const byLabel = wishesOf(groups, order, shares);
  const assign = (group: number, lacking: readonly number[] | undefined): void => {
    let best = 0;
    for (let side = 1; side < shares.length; side++) {
      const gain = lacking === undefined ? 0 : lacking[side]! - lacking[best]!;
      if (gain > EPSILON || (gain > -EPSILON && wanted[side]! - wanted[best]! > EPSILON)) best = side;
    }
    sides[group] = best;
    wanted[best]! -= sizes[group]!;
    for (let entry = starts[group]!; entry < starts[group + 1]!; entry++) {
      const wish = byLabel.get(labels[entry]!);
      if (wish === undefined) continue;
      wish.wanted[best]! -= counts[entry]!;
      wish.left -= counts[entry]!;
    }
  };
  for (let label = rarest(byLabel); label !== undefined; label = rarest(byLabel)) {
    const { members, wanted: lacking } = byLabel.get(label)!;
    for (const group of members) if (sides[group] === OPEN) assign(group, lacking);
    byLabel.delete(label);
  }
  for (const group of order) if (sides[group] === OPEN) assign(group, undefined);
  refine(groups, order, shares, sides);
  return sides;
}

const OPEN = 255;

/** Sums of shares are not exact: what differs by less than this is the same. */
const EPSILON = 1e-9;

/** Looks at all groups again, at most. */
const PASSES = 8;

/**
 * Moves groups to other sides as long as that brings rows and labels nearer to what is wanted, by chi-square: one group
 * after the other cannot know what the later ones bring along.
 */
function refine(groups: RowGroups, order: Uint32Array, shares: readonly number[], sides: Uint8Array): void {
  const { sizes, starts, labels, counts } = groups;
  const wishes = wishesOf(groups, order, shares);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const rows: Tally = { wanted: shares.map((share) => share * total), found: shares.map(() => 0) };
  const byLabel = new Map<number, Tally>();
  for (const [label, { wanted }] of wishes) byLabel.set(label, { wanted, found: shares.map(() => 0) });
  const each = (group: number, look: (tally: Tally, count: number) => void): void => {
    look(rows, sizes[group]!);
    for (let entry = starts[group]!; entry < starts[group + 1]!; entry++)
      look(byLabel.get(labels[entry]!)!, counts[entry]!);
  };
  for (const group of order) {
    each(group, ({ found }, count) => {
      found[sides[group]!]! += count;
    });
  }
  let moved = true;
  for (let pass = 0; moved && pass < PASSES; pass++) {
    moved = false;
    for (const group of order) {
      const from = sides[group]!;
      const change = shares.map(() => 0);
      each(group, (tally, count) => {
        for (let to = 0; to < shares.length; to++)
          if (to !== from) change[to]! += added(tally, from, -count) + added(tally, to, count);
      });
      const to = change.indexOf(Math.min(...change));
      if (change[to]! > -EPSILON) continue;
      each(group, ({ found }, count) => {
        found[from]! -= count;
        found[to]! += count;
      });
      sides[group] = to;
      moved = true;
    }
  }
}

/** What is wanted and found on each side, [sides]. */
interface Tally {
  readonly wanted: readonly number[];
  readonly found: number[];
}

/** What so many more rows on a side add to (found - wanted)² / wanted. */
function added({ wanted, found }: Tally, side: number, count: number): number {
  const off = found[side]! - wanted[side]!;
  return ((off + count) ** 2 - off ** 2) / Math.max(wanted[side]!, EPSILON);
}

/** What is still wanted of a label. */
interface Wish {
  /** Groups that have it. */
  readonly members: number[];
  /** Rows that have it and have no side yet. */
  left: number;
  /** How many rows with it each side lacks, [sides]. */
  wanted: number[];
}

/** At first each side lacks its share of every label, and one row at least where there are groups enough. */
function wishesOf(groups: RowGroups, order: Uint32Array, shares: readonly number[]): Map<number, Wish> {
  const wishes = new Map<number, Wish>();
  for (const group of order) {
    for (let entry = groups.starts[group]!; entry < groups.starts[group + 1]!; entry++) {
      const label = groups.labels[entry]!;
      const wish = wishes.get(label) ?? { members: [], left: 0, wanted: [] };
      wishes.set(label, wish);
      wish.members.push(group);
      wish.left += groups.counts[entry]!;
    }
  }
  for (const wish of wishes.values()) {
    wish.wanted = shares.map((share) => share * wish.left);
    if (wish.members.length < shares.length) continue;
    for (let side = 1; side < shares.length; side++) {
      const lacking = Math.max(0, 1 - wish.wanted[side]!);
      wish.wanted[side]! += lacking;
      wish.wanted[0]! -= lacking;
    }
  }
  return wishes;
}

/** The label that the fewest rows without a side have. */
function rarest(wishes: ReadonlyMap<number, Wish>): number | undefined {
  let found: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [label, { left }] of wishes) {
    if (left > least || (left === least && label > found!)) continue;
    found = label;
    least = left;
  }
  return found;
}
