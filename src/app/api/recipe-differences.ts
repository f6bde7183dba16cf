import { join } from "node:path";
import { loadRecipe } from "../../base/recipe/load.ts";
import type { OptionDifference } from "../report/runs-data.ts";

/** Where a run writes says nothing about it. */
const IGNORED = new Set(["output"]);

/** Options of the resolved recipes of runs that are not the same in all, in the order of the recipe. */
export function recipeDifferences(runs: readonly string[]): OptionDifference[] {
  const recipes = runs.map((run) => flatten(loadRecipe(join(run, "recipe.yaml"), { purpose: "evaluate" }).recipe));
  const options = new Set(recipes.flatMap((recipe) => [...recipe.keys()]));
  return [...options].flatMap((option) => {
    const values = recipes.map((recipe) => recipe.get(option) ?? "–");
    return IGNORED.has(option) || new Set(values).size === 1 ? [] : [{ option, values }];
  });
}

/** Options by their names with dots; lists are values. */
function flatten(value: object, prefix = ""): Map<string, string> {
  const entries = Object.entries(value).flatMap(([name, member]): (readonly [string, string])[] => {
    const option = `${prefix}${name}`;
    const isSection = typeof member === "object" && member !== null && !Array.isArray(member);
    if (isSection) return [...flatten(member, `${option}.`)];
    return member === undefined ? [] : [[option, typeof member === "string" ? member : JSON.stringify(member)]];
  });
  return new Map(entries);
}
