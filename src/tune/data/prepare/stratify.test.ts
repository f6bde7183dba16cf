import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Random } from "../../../base/random.ts";
import { type RowGroups, stratify } from "./stratify.ts";

/** Rows given by their labels and their group's number, as groups. */
function grouped(labels: readonly (readonly number[])[], groupOf: (row: number) => number): RowGroups {
  const members = new Map<number, number[]>();
  labels.forEach((_, row) => {
    members.set(groupOf(row), [...(members.get(groupOf(row)) ?? []), row]);
  });
  const random = new Random(3);
  const entries = [...members.values()].map((rows) => {
    const counts = new Map<number, number>();
    for (const label of rows.flatMap((row) => labels[row]!)) counts.set(label, (counts.get(label) ?? 0) + 1);
    return [...counts];
  });
  const ends = entries.map((_, i) => entries.slice(0, i + 1).flat().length);
  return {
    sizes: Uint32Array.from([...members.values()], ({ length }) => length),
    ranks: Float64Array.from(entries, () => random.uniform()),
    starts: Uint32Array.of(0, ...ends),
    labels: Uint32Array.from(entries.flat(), ([label]) => label),
    counts: Uint32Array.from(entries.flat(), ([, count]) => count),
  };
}

/** Share of each label's rows on a side. */
function sharesOf(
  { labels, counts, starts }: RowGroups,
  sides: Uint8Array,
  side: number,
  labelCount: number,
): number[] {
  const all = new Float64Array(labelCount);
  const own = new Float64Array(labelCount);
  sides.forEach((at, group) => {
    for (let entry = starts[group]!; entry < starts[group + 1]!; entry++) {
      all[labels[entry]!]! += counts[entry]!;
      if (at === side) own[labels[entry]!]! += counts[entry]!;
    }
  });
  return [...own].map((count, label) => count / all[label]!);
}

describe("a stratified split", () => {
  test("of rows alone gives each side each label's share, to the row", () => {
    const counts = [1, 2, 3, 7, 10, 20, 333, 1000];
    const labels = counts.flatMap((count, label) => new Array<number[]>(count).fill([label]));
    const groups = grouped(labels, (row) => row);
    const shares = [0.7, 0.2, 0.1];
    const sides = stratify(groups, shares);
    counts.forEach((count, label) => {
      shares.forEach((share, side) => {
        const found = sharesOf(groups, sides, side, counts.length)[label]! * count;
        // Where there are rows enough, no side is without one.
        const wanted = count >= 3 && side > 0 ? Math.max(1, share * count) : share * count;
        const margin = count < 10 ? 2 : 1;
        assert.ok(Math.abs(found - wanted) < margin, `${found} of ${count} rows for a share of ${share}`);
        if (count >= 3) assert.ok(found >= 1, `${found} of ${count}`);
      });
    });
  });

  test("of groups cuts none, and is as near as scikit-learn's StratifiedGroupKFold", () => {
    const rows = 600;
    const labelOf = (i: number): number[] => {
      const drawn = (i * 7919 + 12345) % rows;
      return [drawn < 300 ? 0 : drawn < 500 ? 1 : 2];
    };
    const labels = Array.from({ length: rows }, (_, i) => labelOf(i));
    // Mean largest deviation of its five folds, as scripts/fixtures/group-split.py (scikit-learn 1.9.1) prints it.
    for (const [count, theirs] of [
      [30, 0.0287],
      [60, 0.019],
      [120, 0.008],
    ] as const) {
      const groups = grouped(labels, (i) => (((i * 104729) % 1009) ** 2 % 4093) % count);
      const found = sharesOf(groups, stratify(groups, [0.8, 0.2]), 1, 3);
      const deviation = Math.max(...found.map((share) => Math.abs(share - 0.2)));
      assert.ok(deviation <= theirs, `${deviation} with ${count} groups`);
    }
  });

  test("of rows with several labels gives each label its share, where chance does not", () => {
    const random = new Random(5);
    const labelCount = 20;
    // Label l holds for one row in l + 2.
    const labels = Array.from({ length: 1000 }, () =>
      Array.from({ length: labelCount }, (_, l) => l).filter((l) => random.integer(l + 2) === 0),
    );
    const groups = grouped(labels, (row) => row);
    const deviationOf = (sides: Uint8Array): number => {
      const shares = sharesOf(groups, sides, 1, labelCount);
      return shares.reduce((sum, share) => sum + Math.abs(share - 0.1) / labelCount, 0);
    };
    const sides = stratify(groups, [0.9, 0.1]);
    const byChance = Uint8Array.from(groups.sizes, () => (random.integer(10) === 0 ? 1 : 0));
    assert.ok(deviationOf(sides) < deviationOf(byChance) / 4, `${deviationOf(sides)}, ${deviationOf(byChance)}`);
    assert.ok(Math.abs(sides.reduce((sum, side) => sum + side, 0) - 100) <= 10);
  });

  test("of unlabelled rows gives each side its share", () => {
    const groups = grouped(new Array<number[]>(97).fill([]), (row) => row);
    const sides = stratify(groups, [0.8, 0.1, 0.1]);
    assert.deepEqual(
      [0, 1, 2].map((side) => sides.filter((own) => own === side).length),
      [77, 10, 10],
    );
  });
});
