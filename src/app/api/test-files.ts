import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathList } from "../../base/recipe/combinations.ts";
import { loadRecipe } from "../../base/recipe/load.ts";
import { isRunFolder } from "../../tune/train/run-folder.ts";

/** The test files that a run's recipe names; undefined for a run without, and for what is no run. */
export function testFilesOf(path: string): readonly string[] | undefined {
  const recipe = join(path, "recipe.yaml");
  if (!isRunFolder(path) || !existsSync(recipe)) return undefined;
  const files = pathList(loadRecipe(recipe, { purpose: "evaluate" }).recipe.data.test);
  return files.length === 0 ? undefined : files;
}
