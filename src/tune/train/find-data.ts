/** Where a recipe's data lies: files here, fetched from the hub where it is there; and parts that nobody named. */
import { isDatasetPath, parseDatasetName } from "../../base/dataset-name.ts";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { DataOptions, Paths } from "../../base/recipe/recipe.ts";
import type { HubAccess } from "../../model/files/hub/hub-access.ts";
import { fetchDataset } from "../data/sources/fetch-dataset.ts";
import { partPaths } from "../data/sources/part-paths.ts";
import type { Part } from "../data/sources/parts.ts";
import type { RunEnvironment } from "./base-model.ts";
import type { Choose } from "./fit-recipe.ts";

type Environment = Pick<RunEnvironment, "hub"> & { readonly signal?: AbortSignal | undefined };

/**
 * The recipe with paths of files that are here. Where the training set is an archive, a folder or a data set of the hub
 * that has validation and test rows as well, and the recipe names no others, these are taken, as choices.
 * @throws UserError when a data set cannot be fetched, or a set is the same as another
 */
export async function findData(
  loaded: LoadedRecipe,
  environment: Environment,
  choose: Choose,
  onEvent: EventSink,
): Promise<LoadedRecipe> {
  const { data } = loaded.recipe;
  const found: { -readonly [Set in Part]?: DataOptions[Set] } = {};
  const seen = new Set<string>();
  let others: ReadonlyMap<Part, Paths> = new Map();
  for (const part of ["train", "validation", "test"] as const) {
    const named = data[part] ?? others.get(part) ?? null;
    if (named === null || (typeof named === "object" && "fraction" in named)) continue;
    const paths = typeof named === "string" ? [named] : named;
    if (data[part] === null) {
      choose(["data", part], named, `data.train holds ${part} rows too, and data.${part} names none`);
    } else await refuseSame(loaded, part, paths, seen);
    const fetched = await fetchPaths(paths, part, environment, onEvent, loaded.where(["data", part]));
    if (fetched.pinned !== undefined && data[part] !== null)
      choose(["data", part], fetched.pinned, "as of the hub now");
    found[part] = fetched.files;
    if (part !== "train" || paths.length > 1) continue;
    others = fetched.pinned === undefined ? await partPaths(paths[0]!) : fetched.others;
  }
  const isUnchanged = Object.keys(found).every((part) => data[part as Part] !== null) && !hasDataset(data);
  return isUnchanged ? loaded : { ...loaded, recipe: { ...loaded.recipe, data: { ...data, ...found } } };
}

export interface FetchedPaths {
  readonly files: readonly string[];
  /** The paths as they were written, data sets of the hub by their commits; undefined where there are none. */
  readonly pinned: readonly string[] | undefined;
  /** Other parts of the data set, where it is the only path. */
  readonly others: ReadonlyMap<Part, Paths>;
}

/**
 * Files of data sets on the hub, fetched; other paths as they are.
 * @param where the option, for errors
 * @throws UserError
 */
export async function fetchPaths(
  paths: readonly string[],
  part: Part | undefined,
  { hub, signal }: Environment,
  onEvent: EventSink,
  where: string,
): Promise<FetchedPaths> {
  const files: string[] = [];
  const pinned: string[] = [];
  let others: ReadonlyMap<Part, Paths> = new Map();
  let access: HubAccess | undefined;
  for (const path of paths) {
    if (!isDatasetPath(path)) {
      files.push(path);
      pinned.push(path);
      continue;
    }
    const dataset = parseDatasetName(path);
    if (dataset === undefined) throw noName(path, where);
    access ??= hub();
    const fetched = await fetchDataset(dataset, { part, hub: access, signal, onEvent });
    files.push(...fetched.files);
    pinned.push(fetched.pinned);
    others = fetched.others;
  }
  return { files, pinned: access === undefined ? undefined : pinned, others: paths.length === 1 ? others : new Map() };
}

function hasDataset({ train, validation, test }: DataOptions): boolean {
  return [train, validation, test].flat().some((path) => typeof path === "string" && isDatasetPath(path));
}

/** An archive or folder may be named for each of its parts; anything else holds the same rows each time. */
async function refuseSame(
  loaded: LoadedRecipe,
  part: Part,
  paths: readonly string[],
  seen: Set<string>,
): Promise<void> {
  for (const path of paths) {
    const isSeen = seen.has(path);
    seen.add(path);
    if (!isSeen) continue;
    const isApart = isDatasetPath(path)
      ? parseDatasetName(path)?.rest === undefined
      : (await partPaths(path)).has(part);
    if (isApart) continue;
    throw new UserError({
      code: "data/same-files",
      message: `${path} is in another set too, and its names do not tell ${part} rows from others`,
      where: loaded.where(["data", part]),
      fix: part === "validation" ? "take another file, or {fraction: 0.1}" : "take another file",
    });
  }
}

function noName(path: string, where: string): UserError {
  return new UserError({
    code: "data/dataset-name",
    message: `"${path}" is no name of a data set on the hub`,
    where,
    fix: "write it like hf:ORG/NAME, with @REVISION, :CONFIG and /SPLIT behind it where they are needed",
  });
}
