import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { isFraction, pathList } from "../../base/recipe/combinations.ts";
import { loadRecipe } from "../../base/recipe/load.ts";
import { parseJsonObject, readTextFile } from "../../model/files/json-file.ts";
import type { Dataset } from "../data/dataset.ts";
import { Labels } from "../data/labels.ts";
import { loadDataset } from "../data/load-dataset.ts";
import { taskOf } from "../data/task.ts";
import { readRunInfo, SPLITS_FILE } from "./run-folder.ts";
import { type SetRows, setAgain } from "./splits.ts";

/** What a run kept of its split, at most. */
const MAX_SPLITS_BYTES = 2 ** 28;

/** Whether the recipe of a run names a test set, or takes a part of the training files for one. */
export function hasTestSet(run: string): boolean {
  return existsSync(join(run, "recipe.yaml")) && recipeOf(run).data.test !== null;
}

/**
 * The test set of a run, read as in training: the files of `data.test`, or the very rows that were set aside.
 * @throws UserError when the recipe has none, or the files cannot be read or have changed
 */
export async function loadTestSet(run: string, onEvent: EventSink): Promise<Dataset> {
  const recipe = recipeOf(run);
  const { data, template } = recipe;
  if (data.test === null) {
    throw new UserError({
      code: "data/no-test-set",
      message: "the run's recipe has no test set",
      where: run,
      fix: "name a file: --data FILE; in the next run, data.test: a file, or {fraction: 0.1}",
    });
  }
  const { labels: names } = readRunInfo(run);
  const labels = names === null ? undefined : Labels.declared(data.labels ?? names).inOrder(names, run);
  const options = { data, template, labels, task: taskOf(recipe) };
  if (!isFraction(data.test)) {
    // What rows count in the loss is of no matter here, and need not be there.
    const task = { ...options.task, sampleWeight: undefined };
    return await loadDataset(pathList(data.test), { ...options, task, name: "test" }, onEvent);
  }
  const path = join(run, SPLITS_FILE);
  const splits = parseJsonObject(readTextFile(path, MAX_SPLITS_BYTES), path);
  const rows = (splits.sets as unknown as Record<string, SetRows> | undefined)?.test;
  if (splits.version !== 1 || rows === undefined) {
    throw new UserError({ code: "data/splits", message: "does not say which rows the test set has", where: path });
  }
  const read = await loadDataset(pathList(data.train), { ...options, name: "train" }, onEvent);
  return setAgain(read, "test", rows, path);
}

function recipeOf(run: string): ReturnType<typeof loadRecipe>["recipe"] {
  return loadRecipe(join(run, "recipe.yaml"), { purpose: "evaluate" }).recipe;
}
