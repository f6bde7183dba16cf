import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../../../base/errors.ts";
import { loadRecipe } from "../../../../base/recipe/load.ts";
import { isRunFolder } from "../../../../tune/train/run-folder.ts";

/**
 * The file that says which rules of tools mean which label: `scan.taxonomy` of the runs' recipes, or of a recipe given.
 * @throws UserError where none names one, or they name several
 */
export function taxonomyOfRuns(names: readonly string[], recipe: string | undefined): string {
  const runs = names.filter(isRunFolder).map((name) => join(name, "recipe.yaml"));
  const files = recipe === undefined ? runs.filter(existsSync) : [recipe];
  const named = files.flatMap((file) => loadRecipe(file, { purpose: "evaluate" }).recipe.scan.taxonomy ?? []);
  const distinct = new Set(named);
  if (distinct.size === 1) return named[0]!;
  throw new UserError({
    code: "compare/no-taxonomy",
    message:
      distinct.size === 0
        ? "it is not known which rules of the tools mean which label: no recipe names a taxonomy (scan.taxonomy)"
        : `the runs have different taxonomies: ${[...distinct].join(" and ")}`,
    fix: "name the file that says so: --taxonomy FILE, such as recipes/dockerfile-risks/risks.taxonomy.yaml",
  });
}
