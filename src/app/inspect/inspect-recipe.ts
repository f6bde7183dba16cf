import { loadRecipe } from "../../base/recipe/load.ts";

export interface RecipeInspection {
  readonly kind: "recipe";
  readonly path: string;
  readonly base: string;
  readonly method: string;
  readonly output: string;
  readonly train: string | readonly string[] | null;
  readonly options: Readonly<Record<string, unknown>>;
}

/** @throws UserErrors with every mistake in the recipe */
export function inspectRecipe(path: string): RecipeInspection {
  const { recipe } = loadRecipe(path);
  const { base, method, output, data, ...options } = recipe;
  return { kind: "recipe", path, base, method, output, train: data.train, options: { ...options, data } };
}
