/** The recipes that the package brings, found by looking: a task is a folder of `recipes/` with a `recipe.yaml`. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { suggestName } from "../../base/names.ts";
import { packageRoot } from "../../base/package-root.ts";
import { readTextFile } from "../../model/files/json-file.ts";

export interface ShippedRecipe {
  /** `ag-news`, of the folder. */
  readonly task: string;
  /** `ag-news` for the task's main recipe, `ag-news/nano` for others. */
  readonly name: string;
  /** The file's first line. */
  readonly title: string;
  /** Absolute. */
  readonly path: string;
}

const MAIN = "recipe";
const MAX_BYTES = 2 ** 16;
const recipesFolder = join(packageRoot, "recipes");

/** All of them, by task, the main one of each task first. */
export function shippedRecipes(): readonly ShippedRecipe[] {
  return readdirSync(recipesFolder)
    .filter((task) => existsSync(join(recipesFolder, task, `${MAIN}.yaml`)))
    .sort()
    .flatMap(recipesOf);
}

/** `NAME.yaml` is a recipe; `NAME.KIND.yaml` is something that belongs to it. */
function recipesOf(task: string): ShippedRecipe[] {
  const names = readdirSync(join(recipesFolder, task)).flatMap((file) => /^([^.]+)\.yaml$/.exec(file)?.[1] ?? []);
  const others = names.filter((name) => name !== MAIN).sort();
  return [MAIN, ...others].map((name) => {
    const path = join(recipesFolder, task, `${name}.yaml`);
    const [first = ""] = readTextFile(path, MAX_BYTES).split("\n");
    return { task, name: name === MAIN ? task : `${task}/${name}`, title: first.replace(/^#\s*/, ""), path };
  });
}

/** @throws UserError for a name that there is none of, with the nearest that there is */
export function findShippedRecipe(name: string): ShippedRecipe {
  const all = shippedRecipes();
  const found = all.find((recipe) => recipe.name === name);
  if (found !== undefined) return found;
  const names = all.map((recipe) => recipe.name);
  throw new UserError({
    code: "init/unknown-name",
    message: `there is no recipe "${name}" to start from`,
    fix: suggestName(name, name.includes("/") ? names : names.filter((one) => !one.includes("/"))),
  });
}
