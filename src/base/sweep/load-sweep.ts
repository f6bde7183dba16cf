/** A sweep file, or a recipe with a grid from the command line, into checked combinations. */
import { existsSync } from "node:fs";
import { basename, dirname, extname, resolve } from "node:path";
import { UserError, UserErrors } from "../errors.ts";
import { suggestName } from "../names.ts";
import { describeIssue } from "../recipe/issues.ts";
import { type LoadedRecipe, loadRecipe, readRecipeText } from "../recipe/load.ts";
import { type LaidValue, RecipeSource } from "../recipe/source.ts";
import { combine } from "./combine.ts";
import { parseGrid } from "./grid-argument.ts";
import { labelOf } from "./labels.ts";
import type { Axis, Combination, Sweep } from "./sweep.ts";
import { type SweepFile, sweepKeys, sweepSchema } from "./sweep-schema.ts";

export interface LoadSweepOptions {
  /** `option=a,b,c` each: axes beside those of the file. */
  readonly grid?: readonly string[] | undefined;
  /** `a.b=c` overrides for all runs. */
  readonly set?: readonly string[] | undefined;
  /** In place of the file's, as `metric`. */
  readonly output?: string | undefined;
  readonly metric?: string | undefined;
}

/** More runs than this are a slip. */
const MAX_RUNS = 1000;
const MAX_ERRORS = 50;

/**
 * @param path a sweep file, or a recipe
 * @throws UserErrors with every mistake of the file and of all its combinations
 */
export function loadSweep(path: string, options: LoadSweepOptions = {}): Sweep {
  const source = RecipeSource.parse(readRecipeText(path), path);
  const file = sweepFile(path, source);
  const recipe = file === undefined ? resolve(path) : resolve(dirname(resolve(path)), file.recipe);
  const where = (...keys: readonly PropertyKey[]): string => source.where(keys, "key");
  if (file !== undefined && !existsSync(recipe)) {
    throw new UserError({ code: "sweep/no-recipe", message: `there is no recipe ${recipe}`, where: where("recipe") });
  }
  const axes = [...axesOf(file?.grid ?? {}, where), ...(options.grid ?? []).map(parseGrid)];
  refuseTwice(axes);
  const { include = [], exclude = [] } = file ?? {};
  const combined = combine(axes, include, exclude, where);
  if (combined.length > MAX_RUNS) {
    throw new UserError({
      code: "sweep/too-large",
      message: `a sweep has at most ${MAX_RUNS} runs; this one has ${combined.length}`,
      where: path,
      fix: "give some options fewer values, or leave combinations out with exclude",
    });
  }
  if (axes.length === 0 && include.length === 0) throw nothingVaries(path, file !== undefined);
  if (combined.length === 0) {
    throw new UserError({ code: "sweep/nothing-left", message: "exclude leaves no run", where: where("exclude") });
  }
  const name = basename(path, extname(path)).replace(/\.sweep$/, "");
  const output = resolve(options.output ?? (file && file.output !== "auto" ? file.output : `runs/${name}`));
  const always: (string | LaidValue)[] = [
    ...laid(file?.set ?? {}, (option) => where("set", option)),
    ...(options.set ?? []),
  ];
  const combinations = loadAll(recipe, output, always, combined);
  return { name, recipe, output, metric: options.metric ?? file?.metric ?? undefined, axes, combinations };
}

/** Undefined for a recipe. */
function sweepFile(path: string, source: RecipeSource): SweepFile | undefined {
  const data = source.toData();
  if (!("recipe" in data) && !("grid" in data)) return undefined;
  const parsed = sweepSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => unknownKey(key, source.where([...issue.path, key], "key")))
      : describeIssue(issue, data, source),
  );
  throw new UserErrors("sweep/invalid", `${path} cannot be used`, errors);
}

function unknownKey(key: string, where: string): UserError {
  return new UserError({
    code: "sweep/unknown-key",
    message: `a sweep has no "${key}"`,
    where,
    fix: suggestName(key, sweepKeys),
  });
}

function axesOf(grid: SweepFile["grid"], where: (...keys: readonly PropertyKey[]) => string): Axis[] {
  return Object.entries(grid).map(([name, given]) => {
    if (isList(given)) {
      const place = where("grid", name);
      return {
        name,
        values: given.map((value) => ({ label: labelOf(value), settings: [{ option: name, value, where: place }] })),
      };
    }
    const values = Object.entries(given).map(([label, settings]) => ({
      label,
      settings: laid(settings, (option) => where("grid", name, label, option)),
    }));
    return { name, values };
  });
}

function isList(given: SweepFile["grid"][string]): given is readonly unknown[] {
  return Array.isArray(given);
}

function laid(settings: Readonly<Record<string, unknown>>, where: (option: string) => string): LaidValue[] {
  return Object.entries(settings).map(([option, value]) => ({ option, value, where: where(option) }));
}

function refuseTwice(axes: readonly Axis[]): void {
  const seen = new Set<string>();
  for (const { name, values } of axes) {
    const labels = values.map(({ label }) => label);
    const twice = seen.has(name) ? name : labels.find((label, i) => labels.indexOf(label) !== i);
    if (twice !== undefined) {
      const message = seen.has(name) ? `${name} is in the grid twice` : `${name} has the value ${twice} twice`;
      throw new UserError({ code: "sweep/twice", message, fix: "remove one of the two" });
    }
    seen.add(name);
  }
}

function nothingVaries(path: string, isSweep: boolean): UserError {
  return new UserError({
    code: "sweep/nothing-varies",
    message: "nothing is to be varied",
    where: path,
    fix: isSweep ? "list options and their values under grid" : "add --grid option=value,value, or give a sweep file",
  });
}

/** Every combination's recipe, checked; what is wrong with several of them is told once. */
function loadAll(
  recipe: string,
  output: string,
  always: readonly (string | LaidValue)[],
  combined: ReturnType<typeof combine>,
): Combination[] {
  const found = new Map<string, { readonly error: UserError; readonly names: string[] }>();
  const combinations = combined.flatMap(({ name, labels, settings }): Combination[] => {
    const folder = { option: "output", value: resolve(output, name), where: "the sweep" };
    try {
      const loaded: LoadedRecipe = loadRecipe(recipe, { set: [...always, ...settings, folder] });
      return [{ name, labels, loaded }];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      for (const one of error instanceof UserErrors ? error.errors : [error]) {
        const key = one.describe();
        if (!found.has(key)) found.set(key, { error: one, names: [] });
        found.get(key)!.names.push(name);
      }
      return [];
    }
  });
  if (found.size === 0) return combinations;
  throw new UserErrors(
    "sweep/invalid",
    "the sweep cannot be run",
    [...found.values()].slice(0, MAX_ERRORS).map(({ error, names }) => inRuns(error, names, combined.length)),
  );
}

/** An error of some runs, with their names. */
export function inRuns({ code, message, where, fix }: UserError, names: readonly string[], total: number): UserError {
  if (names.length === total) return new UserError({ code, message, where, fix });
  const shown = names.slice(0, 3).join(", ") + (names.length > 3 ? `, … (${names.length} of ${total})` : "");
  return new UserError({ code, message: `${message} (in ${shown})`, where, fix });
}
