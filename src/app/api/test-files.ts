import { existsSync } from "node:fs";
import { join } from "node:path";
import { isFraction, pathList } from "../../base/recipe/combinations.ts";
import { loadRecipe } from "../../base/recipe/load.ts";
import { isRunFolder, SPLITS_FILE } from "../../tune/train/run-folder.ts";

/** The test files that a run's recipe names, or its splits.json where it set rows aside; undefined for a run without, and for what is no run. */
export function testFilesOf(path: string): readonly string[] | undefined {
  return filesOf(path, "test");
}

/** The same of the rows that thresholds and the best step were chosen on. */
export function validationFilesOf(path: string): readonly string[] | undefined {
  return filesOf(path, "validation");
}

function filesOf(path: string, part: "validation" | "test"): readonly string[] | undefined {
  const recipe = join(path, "recipe.yaml");
  if (!isRunFolder(path) || !existsSync(recipe)) return undefined;
  const files = loadRecipe(recipe, { purpose: "evaluate" }).recipe.data[part];
  if (isFraction(files)) return [join(path, SPLITS_FILE)];
  return files === null ? undefined : pathList(files);
}
