/** Ways to divide rows: by label, by length, and by fields of the rows. */

import type { Slicing } from "../../../tune/evaluate/compare/slices.ts";
import { quantile } from "../../../tune/evaluate/quantile.ts";
import type { Answer } from "./subject-rows.ts";

const BINS = 4;
/** A field with more values than this is divided by its commonest ones, or into ranges of its numbers. */
const MOST_VALUES = 20;
const OTHER = "(other values)";

/** By what is true of a row; of a row with several labels, by all of them together. */
export function byLabel(targets: readonly Answer[]): Slicing {
  const names = targets.map((target) => (typeof target === "object" ? target.join(", ") || "(none)" : String(target)));
  return { by: "label", ...commonest(names) };
}

/** By quarters of the lengths. @param characters [rows] */
export function byLength(characters: readonly number[]): Slicing {
  return { by: "length", ...quarters(characters, " characters") };
}

/** By the values of a field; many different numbers are divided into quarters. @param values [rows] */
export function byField(by: string, values: readonly (string | undefined)[]): Slicing {
  const known = values.filter((value) => value !== undefined);
  const numeric = known.every((value) => value.trim() !== "" && Number.isFinite(Number(value)));
  if (numeric && new Set(known).size > MOST_VALUES) {
    return { by, ...quarters(values.map((value) => (value === undefined ? Number.NaN : Number(value)))) };
  }
  return { by, ...commonest(values) };
}

type Slices = Pick<Slicing, "names" | "members">;

/** A slice for each value, the commonest first; those that are not among the commonest together. */
function commonest(values: readonly (string | undefined)[]): Slices {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  const byCount = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([value]) => value);
  const names = byCount.length <= MOST_VALUES ? byCount : [...byCount.slice(0, MOST_VALUES - 1), OTHER];
  const places = new Map(byCount.map((value, i) => [value, Math.min(i, names.length - 1)]));
  return { names, members: Int32Array.from(values, (value) => (value === undefined ? -1 : places.get(value)!)) };
}

/** A slice for each quarter of the numbers, such as `12 to 40 characters`; equal quarters are one, NaN is in none. */
function quarters(numbers: readonly number[], unit = ""): Slices {
  const ascending = Float64Array.from(numbers.filter((number) => !Number.isNaN(number))).sort();
  if (ascending.length === 0) return { names: [], members: new Int32Array(numbers.length).fill(-1) };
  const edges = Array.from({ length: BINS - 1 }, (_, i) => quantile(ascending, (i + 1) / BINS));
  const binOf = (number: number): number => edges.filter((edge) => number > edge).length;
  const names = Array.from({ length: BINS }, (_, bin) => {
    const own = ascending.filter((number) => binOf(number) === bin);
    const [least, most] = [own[0], own.at(-1)];
    return `${least === most ? least : `${least} to ${most}`}${unit}`;
  });
  return { names, members: Int32Array.from(numbers, (number) => (Number.isNaN(number) ? -1 : binOf(number))) };
}
