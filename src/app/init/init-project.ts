/** A folder to begin a project in: a shipped recipe over the user's data, or over a few rows to try it on. */
import { cpSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { parseHubName } from "../../base/hub-name.ts";
import { pathList } from "../../base/recipe/combinations.ts";
import { type LoadedRecipe, loadRecipe, parseRecipe } from "../../base/recipe/load.ts";
import { loadSweep } from "../../base/sweep/load-sweep.ts";
import { readTextFile } from "../../model/files/json-file.ts";
import { Labels } from "../../tune/data/labels.ts";
import { loadDataset } from "../../tune/data/load-dataset.ts";
import { taskOf } from "../../tune/data/task.ts";
import { fillFolder } from "../output-folder.ts";
import { findShippedRecipe, type ShippedRecipe } from "./shipped-recipes.ts";
import { type SplitFiles, splitFiles } from "./split-files.ts";
import { withValues } from "./yaml-values.ts";

export interface InitOptions {
  /** `ag-news`, or `ag-news/nano`. */
  readonly name: string;
  /** File or folder with the data; default: rows that come with the recipe. */
  readonly data?: string | undefined;
  /** Base model in place of the recipe's: a folder, or ORG/NAME on the hub. */
  readonly model?: string | undefined;
  /** Folder to be made; default: the recipe's name, with - for /. */
  readonly output?: string | undefined;
  readonly onEvent: EventSink;
}

export interface InitResult {
  /** Absolute. */
  readonly folder: string;
  /** Absolute path of its recipe. */
  readonly recipe: string;
  /** Command lines to go on with, as the recipe's first lines have them. */
  readonly next: readonly string[];
}

/** Rows that are read of the data, to see that they are what the recipe expects. */
const ROWS_TRIED = 200;

const MAX_BYTES = 2 ** 16;
/** What a comment says where there is no test set yet. */
const NO_TEST_SET = "TEST_FILE";

/**
 * @throws UserError when the folder is not empty, the name or the model is not known, or the data is not what the recipe
 * expects; nothing is left behind then
 */
export async function initProject({ name, data, model, output, onEvent }: InitOptions): Promise<InitResult> {
  const shipped = findShippedRecipe(name);
  const original = loadRecipe(shipped.path);
  const folder = resolve(output ?? name.replace("/", "-"));
  const recipe = join(folder, "recipe.yaml");
  const files = data === undefined ? examplesIn(folder, original) : await splitFiles(data);
  const text = recipeText(shipped, original, { folder, files, model });
  if (data !== undefined) await tryData(parseRecipe(text, recipe), onEvent);
  const sweeps = sweepsOf(shipped, folder);
  fillFolder(folder, (temporary) => {
    if (data === undefined) cpSync(dirname(trainingFile(original)), join(temporary, "data"), { recursive: true });
    const { taxonomy } = original.recipe.scan;
    if (taxonomy !== null) cpSync(taxonomy, join(temporary, basename(taxonomy)));
    // The folder beside the final one: what is relative means the same in both.
    writeFileSync(join(temporary, "recipe.yaml"), text);
    loadRecipe(join(temporary, "recipe.yaml"));
    for (const [file, sweep] of sweeps) {
      writeFileSync(join(temporary, file), sweep);
      loadSweep(join(temporary, file));
    }
  });
  const next = [...text.matchAll(/^#\s+(npx fettle .*)$/gm)].map((match) => match[1]!);
  return { folder, recipe, next };
}

/** Where the rows that come with the recipe will lie. */
function examplesIn(folder: string, { recipe: { data } }: LoadedRecipe): SplitFiles {
  const place = (paths: Parameters<typeof pathList>[0]): string[] =>
    pathList(paths).map((path) => join(folder, "data", basename(path)));
  return { train: place(data.train), validation: place(data.validation), test: place(data.test) };
}

function trainingFile({ recipe }: Pick<LoadedRecipe, "recipe">): string {
  return pathList(recipe.data.train!)[0]!;
}

interface Project {
  readonly folder: string;
  readonly files: SplitFiles;
  readonly model: string | undefined;
}

function recipeText(shipped: ShippedRecipe, { recipe }: LoadedRecipe, { folder, files, model }: Project): string {
  const fromFolder = (path: string): string => portable(folder, path);
  const listed = (paths: readonly string[]): string | string[] =>
    paths.length === 1 ? fromFolder(paths[0]!) : paths.map(fromFolder);
  const output = `runs/${basename(folder)}`;
  const text = withValues(readTextFile(shipped.path, MAX_BYTES), {
    base:
      model === undefined ? (parseHubName(recipe.base) ? recipe.base : fromFolder(recipe.base)) : base(model, folder),
    output,
    "data.train": listed(files.train),
    "data.validation": files.validation.length > 0 ? listed(files.validation) : { fraction: 0.1 },
    "data.test": files.test.length > 0 ? listed(files.test) : undefined,
  });
  const words: readonly (readonly [string, string])[] = [
    [`recipes/${shipped.task}/${basename(shipped.path)}`, portable(".", join(folder, "recipe.yaml"))],
    [relative(".", recipe.output), output],
    [shownTestFile(text), files.test.map((file) => portable(".", file)).join(" ") || NO_TEST_SET],
  ];
  return text.replace(/^#.*$/gm, (comment) =>
    words.reduce((line, [was, is]) => (was === "" ? line : line.replaceAll(was, is)), comment),
  );
}

/** The sweeps of a shipped recipe over the project's own: file name -> text. */
function sweepsOf({ task, path }: ShippedRecipe, folder: string): [file: string, text: string][] {
  const files = readdirSync(dirname(path)).filter((file) => file.endsWith(".sweep.yaml"));
  return files.flatMap((file): [string, string][] => {
    const text = readTextFile(join(dirname(path), file), MAX_BYTES);
    if (!new RegExp(`^recipe: ${basename(path)}$`, "m").test(text)) return [];
    const output = `runs/${basename(folder)}-${file.replace(/\.sweep\.yaml$/, "")}`;
    const own = withValues(text, { recipe: "recipe.yaml", output }).replace(/^# Data: .*\n(#\n)?/m, "");
    return [[file, own.replaceAll(`recipes/${task}/${file}`, portable(".", join(folder, file)))]];
  });
}

/** The test file that the comments of a shipped recipe name. */
function shownTestFile(text: string): string {
  return /^#.* --data (\S+)/m.exec(text)?.[1] ?? "";
}

/** @throws UserError for what is neither a model's folder nor a name on the hub */
function base(model: string, folder: string): string {
  if (existsSync(join(model, "config.json"))) return portable(folder, resolve(model));
  if (parseHubName(model) !== undefined) return model;
  throw new UserError({
    code: "init/no-model",
    message: `"${model}" is neither the folder of a model nor a name on the hub`,
    where: "--model",
    fix: "give a folder that has a config.json, or ORG/NAME",
  });
}

/** Relative where both lie below the working directory, so that the project can be moved; otherwise absolute. */
function portable(from: string, path: string): string {
  const here = resolve(".");
  const below = (one: string): boolean => resolve(one) === here || !relative(here, resolve(one)).startsWith("..");
  return below(from) && below(path) ? relative(resolve(from), path) : path;
}

/** @throws UserError when the first rows are not what the recipe expects */
async function tryData({ recipe }: LoadedRecipe, onEvent: EventSink): Promise<void> {
  const { data, template } = recipe;
  for (const name of ["train", "validation", "test"] as const) {
    const paths = pathList(data[name]);
    if (paths.length === 0) continue;
    const labels = data.labels ? Labels.declared(data.labels) : undefined;
    const options = { name, data: { ...data, limit: ROWS_TRIED }, template, labels, task: taskOf(recipe) };
    await loadDataset(paths, options, onEvent);
  }
}
