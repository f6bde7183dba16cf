/** The sets of a run: read, prepared as the recipe says, and checked for rows that are in two of them. */
import type { EventSink } from "../../base/events.ts";
import { Random } from "../../base/random.ts";
import { isFraction, pathList } from "../../base/recipe/combinations.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { DataOptions } from "../../base/recipe/recipe.ts";
import type { Dataset } from "../data/dataset.ts";
import { whiteSpaceChanged } from "../data/keep-row.ts";
import { Labels } from "../data/labels.ts";
import { type DatasetOptions, loadDataset } from "../data/load-dataset.ts";
import { balanceDataset } from "../data/prepare/balance-dataset.ts";
import { type Prepared, removeDuplicates } from "../data/prepare/duplicates.ts";
import { findGroupFields } from "../data/prepare/groups.ts";
import { type LeakageOptions, removeLeaks } from "../data/prepare/leakage.ts";
import { type PreparationStep, tellStep } from "../data/prepare/preparation.ts";
import { splitDataset } from "../data/prepare/split.ts";
import { taskOf } from "../data/task.ts";
import { type Splits, splitsOf } from "./splits.ts";

export interface RunSets {
  readonly train: Dataset;
  readonly validation: Dataset | undefined;
  /** Read only where it is compared with the others, or a part of the training files. */
  readonly test: Dataset | undefined;
  readonly preparation: readonly PreparationStep[];
  /** Where validation or test set are parts of the training files: which rows each set has. */
  readonly splits: Splits | undefined;
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
  const groupBy = { by: prepare.group_by, where: loaded.where(["prepare", "group_by"]) };
  const groupFields = await findGroupFields(pathList(data.train), data, groupBy, onEvent);
  const task = { ...taskOf(loaded.recipe), groupFields };
  const declared = data.labels && Labels.declared(data.labels);
  // The scores of a base that is a classifier have their order already.
  const known =
    baseLabels && (declared ?? Labels.declared(baseLabels)).inOrder(baseLabels, loaded.where(["data", "labels"]));
  const steps: PreparationStep[] = [];
  const done = (prepared: Prepared): Dataset => {
    steps.push(...prepared.steps);
    return prepared.dataset;
  };
  const read = async (name: string, paths: readonly string[], labels: Labels | undefined): Promise<Dataset> => {
    const options = { name, data, template, task, labels, scratch, answerOptional: name === "test" };
    const set = await loadDataset(paths, options, onEvent);
    steps.push(...whiteSpaceSteps(set, onEvent));
    return set;
  };

  const all = await read("train", pathList(data.train), known);
  let train = done(await removeDuplicates(all, prepare, onEvent));
  const labels = train.asked ?? train.labels;
  const checked = Object.values(prepare.leakage).some((action) => action !== "ignore");
  const split = splitOff(train, data, { seed, groupFields }, onEvent);
  steps.push(...split.steps);
  ({ train } = split);
  let { validation, test } = split;
  if (pathList(data.validation).length > 0) validation = await read("validation", pathList(data.validation), labels);
  if (pathList(data.test).length > 0 && checked) test = await read("test", pathList(data.test), labels);

  const { leakage: actions, near_threshold } = prepare;
  const leakage: LeakageOptions = {
    ...{ actions, near_threshold, groupFields },
    where: (kind) => loaded.where(["prepare", "leakage", kind]),
  };
  if (validation && test) validation = done(await removeLeaks(validation, test, leakage, onEvent));
  if (validation) train = done(await removeLeaks(train, validation, leakage, onEvent));
  if (test) train = done(await removeLeaks(train, test, leakage, onEvent));

  const parts = [train, validation, test].filter((set) => set !== undefined && split.sets.includes(set.name));
  const splits = split.sets.length === 0 ? undefined : splitsOf(parts as Dataset[]);
  if (prepare.balance !== "none") {
    const where = loaded.where(["prepare", "balance"]);
    train = done(balanceDataset(train, prepare.balance, seed, where, onEvent));
  }
  if (validation && evaluation.eval_samples !== null) {
    validation = done(sampleOf(validation, evaluation.eval_samples, new Random(seed, "eval_samples"), onEvent));
  }
  return { train, validation, test, preparation: steps, splits };
}

interface SplitSets extends Pick<RunSets, "train" | "validation" | "test"> {
  readonly steps: readonly PreparationStep[];
  /** Names of the sets that are parts of the training files; none where nothing is split. */
  readonly sets: readonly string[];
}

/** The parts of the training set that are to be validation and test set, and the rest. */
function splitOff(
  train: Dataset,
  data: DataOptions,
  options: Parameters<typeof splitDataset>[2],
  onEvent: EventSink,
): SplitSets {
  const parts = (["validation", "test"] as const).flatMap((name) => {
    const part = data[name];
    return isFraction(part) ? [{ name, fraction: part.fraction }] : [];
  });
  if (parts.length === 0) return { train, validation: undefined, test: undefined, steps: [], sets: [] };
  const { rest, parts: taken, steps } = splitDataset(train, parts, options, onEvent);
  const named = (name: string): Dataset | undefined => taken.find((set) => set.name === name);
  const sets = [train.name, ...parts.map(({ name }) => name)];
  return { train: rest, validation: named("validation"), test: named("test"), steps, sets };
}

/** What the recipe did to the white space of a set, where it did something. */
function whiteSpaceSteps({ name, length, together, problems }: Dataset, onEvent: EventSink): PreparationStep[] {
  const found = problems.find(({ reason }) => reason === whiteSpaceChanged);
  if (found === undefined) return [];
  const rows = length / together;
  const { count: changed, examples } = found;
  const detail = `${changed} with other white space than before`;
  return [
    tellStep({ step: "white space", set: name, in: rows, out: rows, changed, detail, examples }, "info", onEvent),
  ];
}

/** At most `count` rows, questions about the same text together, in their order. */
function sampleOf(dataset: Dataset, count: number, random: Random, onEvent: EventSink): Prepared {
  const { together, length, name } = dataset;
  const all = length / together;
  if (count >= all) return { dataset, steps: [] };
  const drawn = random.permutation(all).slice(0, count).sort();
  const rows = [...drawn].flatMap((row) => Array.from({ length: together }, (_, i) => row * together + i));
  const detail = `${count} drawn by the seed (evaluation.eval_samples)`;
  const step: PreparationStep = { step: "sample", set: name, in: all, out: count, changed: 0, detail, examples: [] };
  return { dataset: dataset.subset(name, rows, "rest"), steps: [tellStep(step, "info", onEvent)] };
}
