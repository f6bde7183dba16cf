import { Random } from "../../../base/random.ts";

/** How often the rows of each label are taken: `square_root` is between the shares there are and equal ones. */
export type BalanceMethod = "oversample" | "undersample" | "square_root";

/**
 * How many rows each label is to have. Labels without rows stay without.
 *
 * - `oversample`: as many as the most frequent label;
 * - `undersample`: as many as the rarest label that has any;
 * - `square_root`: shares by the square root of the counts, as many rows in all as before (rounded by largest remainder).
 */
export function balancedCounts(counts: readonly number[], method: BalanceMethod): number[] {
  const some = counts.filter((count) => count > 0);
  if (method === "oversample") return counts.map((count) => (count === 0 ? 0 : Math.max(...some)));
  if (method === "undersample") return counts.map((count) => (count === 0 ? 0 : Math.min(...some)));
  const total = some.reduce((sum, count) => sum + count, 0);
  const roots = counts.reduce((sum, count) => sum + Math.sqrt(count), 0);
  return roundedTo(
    total,
    counts.map((count) => (total * Math.sqrt(count)) / roots),
  );
}

/**
 * Row numbers such that each label has its balanced count: first the rows in their order, each once, then the copies in
 * random order. Which rows are left out or copied depends on the seed alone; no row is copied once more than another of
 * its label before all were.
 * @param labels the label of each row
 */
export function balancedRows(
  labels: ArrayLike<number>,
  labelCount: number,
  method: BalanceMethod,
  seed: number,
): Uint32Array {
  const members: number[][] = Array.from({ length: labelCount }, () => []);
  for (let row = 0; row < labels.length; row++) members[labels[row]!]!.push(row);
  const targets = balancedCounts(
    members.map(({ length }) => length),
    method,
  );
  const firsts: number[] = [];
  const copies: number[] = [];
  members.forEach((own, label) => {
    const random = new Random(seed, `balance ${label}`);
    const target = targets[label]!;
    for (let taken = 0; taken < target; taken += own.length) {
      const order = random.permutation(own.length).subarray(0, target - taken);
      for (const i of order) (taken === 0 ? firsts : copies).push(own[i]!);
    }
  });
  firsts.sort((a, b) => a - b);
  const order = new Random(seed, "balance").permutation(copies.length);
  return Uint32Array.from([...firsts, ...Array.from(order, (i) => copies[i]!)]);
}

/** Whole numbers near those given, with their sum: the largest remainders are rounded up. */
function roundedTo(total: number, numbers: readonly number[]): number[] {
  const whole = numbers.map(Math.floor);
  let missing = total - whole.reduce((sum, count) => sum + count, 0);
  const order = numbers
    .map((number, i) => ({ i, rest: number - whole[i]! }))
    .sort((a, b) => b.rest - a.rest || a.i - b.i);
  for (const { i } of order) if (missing-- > 0) whole[i]!++;
  return whole;
}
