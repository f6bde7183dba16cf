/** The runs that a grid, less what is left out, and what is beside it come to. */
import { UserError, UserErrors } from "../errors.ts";
import { suggestName } from "../names.ts";
import type { LaidValue } from "../recipe/source.ts";
import { folderName } from "./folder-name.ts";
import { labelOf } from "./labels.ts";
import type { Axis, AxisValue } from "./sweep.ts";
import type { Settings } from "./sweep-schema.ts";

export interface Combined {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly settings: readonly LaidValue[];
}

type Where = (...keys: readonly PropertyKey[]) => string;

/** Beyond this a grid is a slip, whatever `exclude` leaves out of it, and is not laid out. */
const MAX_GRID = 100_000;

/**
 * The last axis changes fastest.
 * @throws UserErrors for names and values in `exclude` that the grid does not have, and for a grid that no `exclude` can save
 */
export function combine(
  axes: readonly Axis[],
  include: readonly Settings[],
  exclude: readonly Settings[],
  where: Where,
): Combined[] {
  const size = axes.reduce((product, { values }) => product * values.length, 1);
  if (size > MAX_GRID) throw tooLarge(size, where("grid"));
  const left = exclude.map((settings, i) => excluded(axes, settings, (key) => where("exclude", i, key)));
  const grid = axes.reduce<(readonly AxisValue[])[]>(
    (rows, { values }) => rows.flatMap((row) => values.map((value) => [...row, value])),
    axes.length === 0 ? [] : [[]],
  );
  const kept = grid.filter(
    (row) => !left.some((one) => axes.every(({ name }, a) => one[name] === undefined || one[name] === row[a]!.label)),
  );
  const others = include.map((settings, i) => included(axes, settings, (key) => where("include", i, key)));
  const names = [...axes.map(({ name }) => name), ...include.flatMap((settings) => Object.keys(settings))];
  const distinct = [...new Set(names)];
  const all = [
    ...kept.map((row) => ({
      labels: Object.fromEntries(axes.map(({ name }, a) => [name, row[a]!.label])),
      settings: row.flatMap(({ settings }) => settings),
    })),
    ...others,
  ].map((one) => ({ ...one, name: folderName(one.labels, distinct) }));
  const seen = new Set<string>();
  return all.filter(({ name }) => !seen.has(name) && seen.add(name));
}

function tooLarge(size: number, where: string): UserError {
  return new UserError({
    code: "sweep/too-large",
    message: `a grid has at most ${MAX_GRID} combinations; this one has ${size}`,
    where,
    fix: "give some options fewer values",
  });
}

function included(axes: readonly Axis[], given: Settings, where: (key: string) => string): Omit<Combined, "name"> {
  const labels = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, labelOf(value)]));
  const settings = Object.entries(given).flatMap(([option, value]) => {
    const axis = axes.find(({ name }) => name === option);
    const known = axis?.values.find(({ label }) => label === labelOf(value));
    return known?.settings ?? [{ option, value, where: where(option) }];
  });
  return { labels, settings };
}

/** @returns axis -> label */
function excluded(axes: readonly Axis[], given: Settings, where: (key: string) => string): Record<string, string> {
  const errors: UserError[] = [];
  for (const [key, value] of Object.entries(given)) {
    const axis = axes.find(({ name }) => name === key);
    const labels = axis?.values.map(({ label }) => label) ?? [];
    if (labels.includes(labelOf(value))) continue;
    errors.push(
      new UserError({
        code: "sweep/exclude",
        message: axis ? `the grid has no ${labelOf(value)} of ${key}` : `the grid has no ${key}`,
        where: where(key),
        fix: axis
          ? suggestName(labelOf(value), labels)
          : suggestName(
              key,
              axes.map(({ name }) => name),
            ),
      }),
    );
  }
  if (errors.length > 0) throw new UserErrors("sweep/invalid", "the sweep cannot be run", errors);
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, labelOf(value)]));
}
