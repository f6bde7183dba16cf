import { resolve } from "node:path";
import type { EventSink } from "../../base/events.ts";
import { type LoadedRecipe, loadRecipe, parseRecipe } from "../../base/recipe/load.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { ProcessGroup } from "../../engine/device/collective/process-group.ts";
import type { RunResult } from "../../tune/train/start-run.ts";
import { runEnvironment } from "../environment.ts";
import { trackedRun } from "./tracked-run.ts";

/** Options of a recipe as an object: those of the YAML file, all but `base` with defaults. */
export type RecipeInput = PartialOptions<Omit<Recipe, "base">> & Pick<Recipe, "base">;

type PartialOptions<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [Key in keyof T]?: PartialOptions<T[Key]> }
    : T;

export interface TrainOptions {
  /** `a.b=c` overrides, later ones win. */
  readonly set?: readonly string[] | undefined;
  /** Run folder, in place of the recipe's. */
  readonly output?: string | undefined;
  /** Go on from the newest checkpoint in the run folder; default false. */
  readonly resume?: boolean | undefined;
  /** Read, check and choose everything, and stop before the first step; default false. */
  readonly dryRun?: boolean | undefined;
  /** Aborting it ends the run after the current step, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /** The processes that train together, each of which calls this; default: one alone. */
  readonly group?: ProcessGroup | undefined;
  readonly onEvent?: EventSink | undefined;
}

/**
 * Trains as a recipe says. Relative paths start from the recipe's folder, or from the working directory for an object.
 *
 *     const run = await train({ base: "models/fettle-nano", data: { train: "train.jsonl" }, output: "runs/mine" });
 *     using model = await loadModel(run.folder);
 *
 * @param recipe path of a YAML file, or its options
 * @throws UserErrors with every mistake in the recipe; UserError for data, model or disk
 */
export async function train(recipe: string | RecipeInput, options: TrainOptions = {}): Promise<RunResult> {
  const { resume = false, dryRun = false, signal = new AbortController().signal, group, onEvent = () => {} } = options;
  return trackedRun(loadForTraining(recipe, options), {
    ...runEnvironment(group?.place),
    resume,
    dryRun,
    signal,
    group,
    onEvent,
  });
}

/** @throws UserErrors with every mistake in the recipe */
export function loadForTraining(
  recipe: string | RecipeInput,
  { set = [], output }: Pick<TrainOptions, "set" | "output">,
): LoadedRecipe {
  const all = output === undefined ? set : [...set, `output=${JSON.stringify(output)}`];
  if (typeof recipe === "string") return loadRecipe(recipe, { set: all });
  // JSON is YAML; the name is what errors call the recipe.
  return parseRecipe(JSON.stringify(recipe), resolve("recipe"), { set: all });
}
