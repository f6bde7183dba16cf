/** `combination.json` in a run's folder: what the run was to be, and once it is over what came of it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { Combination } from "../../base/sweep/sweep.ts";
import { makeFolder, writeFileAtomic } from "../../model/files/atomic.ts";
import { parseJsonObject, readTextFile } from "../../model/files/json-file.ts";
import { isRunFolder } from "../../tune/train/run-folder.ts";
import type { DataStamp } from "./data-stamp.ts";
import type { SweptResult } from "./sweep-result.ts";

interface CombinationFile {
  readonly version: 1;
  /** Option -> value as JSON. */
  readonly options: Readonly<Record<string, string>>;
  readonly data: DataStamp;
  readonly result: SweptResult | null;
}

const FILE = "combination.json";
const MAX_BYTES = 2 ** 24;

/** @throws UserError when the disk is full or read-only */
export function writeCombination({ loaded }: Combination, data: DataStamp, result: SweptResult | null): void {
  const { recipe } = loaded;
  makeFolder(recipe.output);
  const content: CombinationFile = { version: 1, options: optionsOf(recipe), data, result };
  writeFileAtomic(join(recipe.output, FILE), `${JSON.stringify(content, null, 2)}\n`);
}

/**
 * What came of a run in an earlier call; undefined when it is not over yet.
 * @throws UserError when the folder holds a run of something else, naming what differs
 */
export function readResult({ name, loaded }: Combination, data: DataStamp): SweptResult | undefined {
  const folder = loaded.recipe.output;
  const path = join(folder, FILE);
  if (!existsSync(path)) {
    if (isRunFolder(folder)) throw differs(folder, ["it is no run of a sweep"]);
    return undefined;
  }
  const before = parseJsonObject(readTextFile(path, MAX_BYTES), path) as unknown as CombinationFile;
  if (before.version !== 1) throw differs(folder, ["it is of another version of Fettle"]);
  const now = optionsOf(loaded.recipe);
  const changed = [...new Set([...Object.keys(before.options), ...Object.keys(now)])]
    .filter((option) => before.options[option] !== now[option])
    .map((option) => `${option} was ${before.options[option] ?? "not there"}, is ${now[option] ?? "not there"}`);
  const files = Object.keys(data).filter((file) => before.data[file] !== undefined && before.data[file] !== data[file]);
  const reasons = [...changed, ...files.map((file) => `the content of ${file} is another`)];
  if (reasons.length > 0) throw differs(`${folder} (${name})`, reasons);
  return before.result ?? undefined;
}

/** All that a run's numbers depend on, and what makes them comparable; not where it lies. */
function optionsOf({ output, cache, threads, ...recipe }: Recipe): Record<string, string> {
  const flat: Record<string, string> = {};
  const add = (value: unknown, path: string): void => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) flat[path] = JSON.stringify(value) ?? "";
    else for (const [key, member] of Object.entries(value)) add(member, path === "" ? key : `${path}.${key}`);
  };
  add(recipe, "");
  return flat;
}

function differs(where: string, reasons: readonly string[]): UserError {
  return new UserError({
    code: "sweep/other-run",
    message: `a run of something else is in the folder: ${reasons.slice(0, 5).join("; ")}`,
    where,
    fix: "set it back to go on with the sweep, choose another --output, or remove the folder",
  });
}
