import { type CheckedRun, checkRun } from "../../tune/train/check-run.ts";
import { runEnvironment } from "../environment.ts";
import { loadForTraining, type RecipeInput, type TrainOptions } from "./train.ts";

export interface CheckOptions extends Pick<TrainOptions, "set" | "onEvent"> {
  /** A card to plan for in place of what is here: its name, as in `h100`, or its memory in GiB. */
  readonly gpu?: string | undefined;
  /** So many of them, among which each step is divided; default 1. */
  readonly gpus?: number | undefined;
}

/**
 * Says what training would take, by part and in time, without the model's weights: config.json, tokenizer and data are
 * enough.
 * @param recipe path of a YAML file, or its options
 * @throws UserErrors with every mistake in the recipe; UserError for data or tokenizer
 */
export function check(recipe: string | RecipeInput, options: CheckOptions = {}): Promise<CheckedRun> {
  const { gpu, gpus, onEvent = () => {} } = options;
  return checkRun(loadForTraining(recipe, options), runEnvironment(), { card: gpu, processes: gpus }, onEvent);
}
