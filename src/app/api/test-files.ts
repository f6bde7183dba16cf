import { existsSync } from "node:fs";
import { join } from "node:path";
import { isFraction, pathList } from "../../base/recipe/combinations.ts";
import { loadRecipe } from "../../base/recipe/load.ts";
import { isRunFolder, SPLITS_FILE } from "../../tune/train/run-folder.ts";

/** The test files that a run's recipe names, or its splits.json where it set rows aside; undefined for a run without, and for what is no run. */
export function testFilesOf(path: string): readonly string[] | undefined {
  const recipe = join(path, "recipe.yaml");
  if (!isRunFolder(path) || !existsSync(recipe)) return undefined;
  const { test } = loadRecipe(recipe, { purpose: "evaluate" }).recipe.data;
  if (isFraction(test)) return [join(path, SPLITS_FILE)];
  return test === null ? undefined : pathList(test);
}
