/** The test set that a run took from its training files: named by the run's `splits.json`, wherever data is named. */
import { basename, dirname, join } from "node:path";
import type { EventSink } from "../../base/events.ts";
import { pathList } from "../../base/recipe/combinations.ts";
import { loadRecipe } from "../../base/recipe/load.ts";
import type { Dataset } from "../../tune/data/dataset.ts";
import { type DatasetOptions, loadDataset } from "../../tune/data/load-dataset.ts";
import { TextUnits } from "../../tune/data/prepare/text-units.ts";
import { answering } from "../../tune/data/task.ts";
import { isRunFolder, SPLITS_FILE } from "../../tune/train/run-folder.ts";
import { readSplit, setAgain } from "../../tune/train/splits.ts";
import { dataPaths } from "./data-paths.ts";

/** Whether a path of data means the rows that a run set aside. */
export function isSetAside(path: string): boolean {
  return basename(path) === SPLITS_FILE && isRunFolder(dirname(path));
}

/** The training files that the rows are in. */
export function filesOfSetAside(path: string, onEvent: EventSink): Promise<readonly string[]> {
  return dataPaths(pathList(recipeOf(path).data.train), "train", onEvent);
}

/**
 * @param options how rows are read: as in training
 * @param limit at most this many rows
 * @throws UserError when the run has none, or its training files have changed
 */
export async function loadSetAside(
  path: string,
  options: DatasetOptions,
  limit: number | undefined,
  onEvent: EventSink,
): Promise<Dataset> {
  const split = readSplit(path, options.name);
  const { data, loss } = recipeOf(path);
  // Which rows are usable must be decided as it was: positions count those alone.
  const task = { ...(options.task ?? answering), sampleWeight: loss.sample_weight ?? undefined };
  const asBefore = { ...options, task, answerOptional: false, data: { ...options.data, limit: data.limit } };
  const read = await loadDataset(await filesOfSetAside(path, onEvent), { ...asBefore, name: "train" }, onEvent);
  const set = setAgain(read, options.name, split, path);
  const units = new TextUnits(set);
  if (limit === undefined || limit >= units.length) return set;
  return units.subset(options.name, [...new Array(limit).keys()], "piece");
}

function recipeOf(path: string): ReturnType<typeof loadRecipe>["recipe"] {
  return loadRecipe(join(dirname(path), "recipe.yaml"), { purpose: "evaluate" }).recipe;
}
