import { Random } from "../../base/random.ts";
import type { Dataset } from "./dataset.ts";

/**
 * Take a part of a set away, with each label's share kept (rounded to whole rows; a label with two rows or more is on
 * both sides). Questions about the same text stay together. Which rows depends on the seed alone; both parts stay in file order.
 */
export function stratifiedSplit(
  dataset: Dataset,
  fraction: number,
  seed: number,
  name: string,
): { readonly rest: Dataset; readonly part: Dataset } {
  const groups = new Map<number | undefined, number[]>();
  const { together } = dataset;
  for (let i = 0; i < dataset.length; i += together) {
    const label = together === 1 ? dataset.label(i) : undefined;
    const group = groups.get(label);
    if (group === undefined) groups.set(label, [i]);
    else group.push(i);
  }
  const taken = new Uint8Array(dataset.length);
  for (const [label, rows] of groups) {
    const wanted = Math.round(rows.length * fraction);
    const count = rows.length < 2 ? 0 : Math.min(rows.length - 1, Math.max(1, wanted));
    const order = new Random(seed, `split ${label}`).permutation(rows.length);
    for (let i = 0; i < count; i++) taken.fill(1, rows[order[i]!], rows[order[i]!]! + together);
  }
  const indices = [...taken.keys()];
  return {
    rest: dataset.subset(
      dataset.name,
      indices.filter((i) => taken[i] === 0),
      "rest",
    ),
    part: dataset.subset(
      name,
      indices.filter((i) => taken[i] === 1),
      "piece",
    ),
  };
}
