import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, extname, resolve } from "node:path";
import { isDatasetPath } from "../dataset-name.ts";
import { messageOf, UserError, UserErrors } from "../errors.ts";
import { parseHubName } from "../hub-name.ts";
import { findConflicts, isFraction, type Purpose } from "./combinations.ts";
import { describeIssue, valueAt } from "./issues.ts";
import { recipeJsonSchema } from "./json-schema.ts";
import type { Fraction, Paths, Recipe, TrackerOptions } from "./recipe.ts";
import { methodSections, recipeSchema } from "./schema.ts";
import { type LaidValue, type OptionPath, RecipeSource } from "./source.ts";

/** More mistakes than this are another kind of file. */
const maxErrorsShown = 50;

export interface LoadOptions {
  /** `a.b=c`, or values from elsewhere, to lay over the recipe; later ones win. */
  readonly set?: readonly (string | LaidValue)[];
  /** Default `train`. */
  readonly purpose?: Purpose;
  /** What a relative `output` starts from; default the working directory. */
  readonly workingDirectory?: string;
}

export interface LoadedRecipe {
  /** Complete, with absolute paths; a model that is no path here (`ORG/NAME`) stays as written. */
  readonly recipe: Recipe;
  /** File name without its ending. */
  readonly name: string;
  /** Absolute path of the recipe file. */
  readonly path: string;
  /** Where an option was written, for errors found later: `recipe.yaml:12:3`, or `--set a.b=c`. */
  readonly where: (path: OptionPath) => string;
  /** `default`, or what was laid over the file and gave an option; undefined when the file gives it. */
  readonly origin: (path: OptionPath) => string | undefined;
}

/**
 * Read and check a recipe file.
 * @throws UserErrors with every mistake in it: unknown keys, wrong types, values out of range, impossible combinations
 */
export function loadRecipe(path: string, options: LoadOptions = {}): LoadedRecipe {
  return parseRecipe(readRecipeText(path), path, options);
}

/** `loadRecipe` for text that is already read; relative paths start from the folder of `path`. */
export function parseRecipe(text: string, path: string, options: LoadOptions = {}): LoadedRecipe {
  const source = RecipeSource.parse(text, path);
  for (const one of options.set ?? []) {
    if (typeof one === "string") source.set(one);
    else source.lay(one);
  }
  const data = withoutEmptySections(source.toData());

  const first = recipeSchema.safeParse(data);
  const errors = first.success ? [] : first.error.issues.flatMap((issue) => describeIssue(issue, data, source));
  const checked = first.success ? first.data : parseTheRest(data);
  for (const { path: option, message, fix } of findConflicts(checked, options.purpose ?? "train")) {
    errors.push(new UserError({ code: "recipe/conflict", message, where: source.where(option), fix }));
  }
  if (errors.length > 0) {
    const more = errors.length > maxErrorsShown ? `; the first ${maxErrorsShown} of ${errors.length} mistakes` : "";
    const shown = errors.sort(byPlace).slice(0, maxErrorsShown);
    throw new UserErrors("recipe/invalid", `${path} cannot be used${more}`, shown);
  }

  const name = basename(path, extname(path));
  const complete = { ...checked, ...methodSections(checked, checked) };
  return {
    recipe: resolvePaths(complete, name, dirname(resolve(path)), options.workingDirectory ?? "."),
    name,
    path: resolve(path),
    where: (option) => source.where(option),
    origin: (option) =>
      source.isSet(option) ? source.where(option) : valueAt(data, option) === undefined ? "default" : undefined,
  };
}

/** `training:` with nothing below it is null in YAML; it means the section's defaults. */
function withoutEmptySections(data: Record<string, unknown>): Record<string, unknown> {
  const properties = recipeJsonSchema.properties ?? {};
  const isEmpty = ([key, value]: [string, unknown]): boolean => value === null && properties[key]?.type === "object";
  return Object.fromEntries(Object.entries(data).filter((entry) => !isEmpty(entry)));
}

/** Text of a recipe, or of a file about recipes. @throws UserError when it cannot be read */
export function readRecipeText(path: string, kind = "recipe"): string {
  try {
    if (statSync(path).isDirectory()) throw new Error("it is a folder");
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new UserError({
      code: "recipe/unreadable",
      message: missing ? `there is no such ${kind} file` : `the ${kind} cannot be read: ${messageOf(error)}`,
      where: path,
      cause: error,
    });
  }
}

/**
 * The recipe without its faulty values, so that combinations of the others are checked too. What cannot stand without
 * the removed value goes as well; the one option without default is filled in.
 */
function parseTheRest(data: Record<string, unknown>): Recipe {
  const rest = structuredClone(data);
  for (;;) {
    const parsed = recipeSchema.safeParse(rest);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      const paths = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
      for (const path of paths) removeNearest(rest, path);
    }
    rest.base ??= ".";
  }
}

/** Remove what is at the path, or else the innermost thing there is on the way to it. */
function removeNearest(data: Record<string, unknown>, path: OptionPath): void {
  for (let length = path.length; length > 0; length--) {
    const parent = valueAt(data, path.slice(0, length - 1));
    const key = path[length - 1]!;
    if (typeof parent !== "object" || parent === null || Array.isArray(parent) || !Object.hasOwn(parent, key)) continue;
    delete (parent as Record<PropertyKey, unknown>)[key];
    return;
  }
}

function resolvePaths(recipe: Recipe, name: string, folder: string, workingDirectory: string): Recipe {
  const one = (path: string): string => (isDatasetPath(path) ? path : resolve(folder, path));
  const model = (path: string): string => (parseHubName(path) && !existsSync(one(path)) ? path : one(path));
  const all = (paths: Paths): Paths => (typeof paths === "string" ? one(paths) : paths.map(one));
  const { train, validation, test } = recipe.data;
  const set = (paths: Paths | Fraction | null): Paths | Fraction | null =>
    paths === null || isFraction(paths) ? paths : all(paths);
  return {
    ...recipe,
    base: model(recipe.base),
    output: resolve(workingDirectory, recipe.output === "auto" ? `runs/${name}` : recipe.output),
    warm_start: recipe.warm_start && model(recipe.warm_start),
    data: {
      ...recipe.data,
      train: train === null ? null : all(train),
      validation: set(validation),
      test: set(test),
    },
    scan: { ...recipe.scan, taxonomy: recipe.scan.taxonomy && one(recipe.scan.taxonomy) },
    trackers: resolveTrackers(recipe.trackers, workingDirectory),
    cache: {
      models: recipe.cache.models && one(recipe.cache.models),
      kernels: recipe.cache.kernels && one(recipe.cache.kernels),
    },
  };
}

/** By line and column; what has no place (an absent option) comes first, as it concerns the whole file. */
export function byPlace(a: UserError, b: UserError): number {
  const place = (error: UserError): number => {
    const match = /:(\d+):(\d+)$/.exec(error.where ?? "");
    return match === null ? -1 : Number(match[1]) * 1e4 + Number(match[2]);
  };
  return place(a) - place(b);
}

function resolveTrackers(trackers: TrackerOptions, workingDirectory: string): TrackerOptions {
  const { tensorboard } = trackers;
  if (!tensorboard?.folder) return trackers;
  return { ...trackers, tensorboard: { folder: resolve(workingDirectory, tensorboard.folder) } };
}
