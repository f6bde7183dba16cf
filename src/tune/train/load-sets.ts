/** The sets of a run: read, prepared as the recipe says, and checked for rows that are in two of them. */
import type { EventSink } from "../../base/events.ts";
import { Random } from "../../base/random.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { Paths } from "../../base/recipe/recipe.ts";
import type { Dataset } from "../data/dataset.ts";
import { Labels } from "../data/labels.ts";
import { type DatasetOptions, loadDataset } from "../data/load-dataset.ts";
import { type Prepared, removeDuplicates } from "../data/prepare/duplicates.ts";
import { findGroupFields } from "../data/prepare/groups.ts";
import { type LeakageOptions, removeLeaks } from "../data/prepare/leakage.ts";
import type { PreparationStep } from "../data/prepare/preparation.ts";
import { splitDataset } from "../data/prepare/split.ts";
import { taskOf } from "../data/task.ts";

export interface RunSets {
  readonly train: Dataset;
  readonly validation: Dataset | undefined;
  readonly preparation: readonly PreparationStep[];
}

/**
 * @param baseLabels the labels of a base that is a classifier itself
 * @throws UserError for data that cannot be read, and for what the recipe wants refused
 */
export async function loadSets(
  loaded: LoadedRecipe,
  baseLabels: readonly string[] | undefined,
  { scratch }: Pick<DatasetOptions, "scratch">,
  onEvent: EventSink,
): Promise<RunSets> {
  const { data, template, evaluation, prepare, seed } = loaded.recipe;
  const paths = pathsOf(data.train!);
  const where = loaded.where(["prepare", "group_by"]);
  const groupFields = await findGroupFields(paths, data, prepare.group_by, where, onEvent);
  const options = { data, template, task: { ...taskOf(loaded.recipe), groupFields }, scratch };
  const declared = data.labels && Labels.declared(data.labels);
  // The scores of a base that is a classifier have their order already.
  const known =
    baseLabels && (declared ?? Labels.declared(baseLabels)).inOrder(baseLabels, loaded.where(["data", "labels"]));
  const steps: PreparationStep[] = [];
  const done = (prepared: Prepared): Dataset => {
    steps.push(...prepared.steps);
    return prepared.dataset;
  };
  const read = await loadDataset(paths, { ...options, labels: known, name: "train" }, onEvent);
  let train = done(removeDuplicates(read, prepare, onEvent));
  const others = { ...options, labels: train.asked ?? train.labels };
  let validation: Dataset | undefined;
  if (data.validation !== null && typeof data.validation === "object" && "fraction" in data.validation) {
    const parts = [{ name: "validation", fraction: data.validation.fraction }];
    const split = splitDataset(train, parts, { seed, groupFields }, onEvent);
    steps.push(...split.steps);
    train = split.rest;
    validation = split.parts[0];
  } else if (data.validation !== null) {
    validation = await loadDataset(pathsOf(data.validation), { ...others, name: "validation" }, onEvent);
  }
  const checked = Object.values(prepare.leakage).some((action) => action !== "ignore");
  const test =
    data.test !== null && checked
      ? await loadDataset(pathsOf(data.test), { ...others, name: "test", answerOptional: true }, onEvent)
      : undefined;
  const { leakage: actions, near_threshold } = prepare;
  const leakage: LeakageOptions = {
    ...{ actions, near_threshold, groupFields },
    where: (kind) => loaded.where(["prepare", "leakage", kind]),
  };
  if (validation && test) validation = done(removeLeaks(validation, test, leakage, onEvent));
  if (validation) train = done(removeLeaks(train, validation, leakage, onEvent));
  if (test) train = done(removeLeaks(train, test, leakage, onEvent));
  if (validation && evaluation.eval_samples !== null) {
    validation = sampleOf(validation, evaluation.eval_samples, new Random(seed, "eval_samples"));
  }
  return { train, validation, preparation: steps };
}

/** At most `count` rows, questions about the same text together, in their order. */
function sampleOf(dataset: Dataset, count: number, random: Random): Dataset {
  const { together, length } = dataset;
  if (count >= length / together) return dataset;
  const drawn = random
    .permutation(length / together)
    .slice(0, count)
    .sort();
  const rows = [...drawn].flatMap((row) => Array.from({ length: together }, (_, i) => row * together + i));
  return dataset.subset("validation", rows, "rest");
}

export function pathsOf(paths: Paths): readonly string[] {
  return typeof paths === "string" ? [paths] : paths;
}
