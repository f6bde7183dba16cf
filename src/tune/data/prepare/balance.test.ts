import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { balancedCounts, balancedRows } from "./balance.ts";

const labels = [...new Array<number>(90).fill(0), ...new Array<number>(9).fill(2), 3];

function countsOf(rows: Uint32Array): number[] {
  const counts = [0, 0, 0, 0];
  for (const row of rows) counts[labels[row]!]!++;
  return counts;
}

describe("balanced labels", () => {
  test("have the counts that the method says; a label without rows stays without", () => {
    assert.deepEqual(balancedCounts([90, 0, 9, 1], "oversample"), [90, 0, 90, 90]);
    assert.deepEqual(balancedCounts([90, 0, 9, 1], "undersample"), [1, 0, 1, 1]);
    // By roots: 100 · (9.487, 3, 1) / 13.487 = 70.34, 22.24, 7.41.
    assert.deepEqual(balancedCounts([90, 0, 9, 1], "square_root"), [70, 0, 22, 8]);
    for (const method of ["oversample", "undersample", "square_root"] as const) {
      const rows = balancedRows(labels, 4, method, 1);
      assert.deepEqual(countsOf(rows), balancedCounts([90, 0, 9, 1], method));
    }
  });

  test("copy every row of a label before any is copied again, and leave out only where there are too many", () => {
    const times = new Map<number, number>();
    for (const row of balancedRows(labels, 4, "square_root", 1)) times.set(row, (times.get(row) ?? 0) + 1);
    assert.equal([...times].filter(([row]) => row < 90).length, 70);
    const copies = [...times].filter(([row]) => row >= 90 && row < 99).map(([, count]) => count);
    assert.deepEqual(copies.sort(), [2, 2, 2, 2, 2, 3, 3, 3, 3]);
    assert.equal(times.get(99), 8);
  });

  test("begin with the rows in their order, each once, and depend on the seed alone", () => {
    const rows = [...balancedRows(labels, 4, "oversample", 1)];
    assert.deepEqual(rows.slice(0, 100), [...labels.keys()]);
    assert.deepEqual([...balancedRows(labels, 4, "oversample", 1)], rows);
    assert.notDeepEqual([...balancedRows(labels, 4, "oversample", 2)], rows);
  });
});
