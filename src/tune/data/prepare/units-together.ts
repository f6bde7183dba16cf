import { hashLabel, mix32 } from "../../../base/random.ts";
import { ExactIndex } from "./exact-index.ts";
import { groupKeys } from "./groups.ts";
import type { RowGroups } from "./stratify.ts";
import { normalisedText, type TextUnits } from "./text-units.ts";
import { Union } from "./union.ts";

/** The units of a set as groups that no split may cut. */
export interface UnitGroups extends RowGroups {
  /** The group of each unit, [units]. */
  readonly groupOf: Uint32Array;
  /** Units that lack a field that others are grouped by. */
  readonly without: number;
}

/**
 * Units with the same text, and those that share a value of a group field, are together. What a group's rank is
 * depends on the seed and on what its rows say, not on where they stand.
 */
export function unitsTogether(units: TextUnits, fields: readonly string[], seed: number): UnitGroups {
  const union = new Union(units.length);
  const texts = new ExactIndex((unit) => units.text(unit));
  const firstOf = new Map<string, number>();
  const hashes = new Float64Array(units.length);
  let without = 0;
  for (let unit = 0; unit < units.length; unit++) {
    const text = units.text(unit);
    hashes[unit] = rankOf(normalisedText(text), seed);
    const same = texts.findOrAdd(unit, text);
    if (same !== undefined) union.join(unit, same);
    const keys = fields.length === 0 ? [] : groupKeys(units.row(unit), fields);
    if (keys.length < fields.length) without++;
    for (const key of keys) {
      const first = firstOf.get(key);
      if (first === undefined) firstOf.set(key, unit);
      else union.join(unit, first);
    }
  }
  return { ...gathered(units, union, hashes), without };
}

/** 53 bits of a text and a seed. */
function rankOf(text: string, seed: number): number {
  const word = mix32(hashLabel(text) ^ mix32(seed));
  return word * 2 ** 21 + (mix32(word ^ hashLabel(`${text.length} ${text}`)) >>> 11);
}

function gathered(units: TextUnits, union: Union, hashes: Float64Array): Omit<UnitGroups, "without"> {
  const groupOf = new Uint32Array(units.length);
  const numbers = new Int32Array(units.length).fill(-1);
  const members: number[][] = [];
  for (let unit = 0; unit < units.length; unit++) {
    const root = union.find(unit);
    if (numbers[root]! < 0) numbers[root] = members.push([]) - 1;
    groupOf[unit] = numbers[root]!;
    members[numbers[root]!]!.push(unit);
  }
  const labels: number[] = [];
  const counts: number[] = [];
  const starts = new Uint32Array(members.length + 1);
  members.forEach((own, group) => {
    const found = new Map<number, number>();
    for (const unit of own) for (const label of units.labels(unit)) found.set(label, (found.get(label) ?? 0) + 1);
    labels.push(...found.keys());
    counts.push(...found.values());
    starts[group + 1] = labels.length;
  });
  return {
    groupOf,
    sizes: Uint32Array.from(members, (own) => own.length),
    ranks: Float64Array.from(members, (own) => own.reduce((least, unit) => Math.min(least, hashes[unit]!), Infinity)),
    starts,
    labels: Uint32Array.from(labels),
    counts: Uint32Array.from(counts),
  };
}
