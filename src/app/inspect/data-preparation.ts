/** What training would have of the rows that a recipe's files hold, by its own loading. */
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { isFraction } from "../../base/recipe/combinations.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { Dataset } from "../../tune/data/dataset.ts";
import type { PreparationStep } from "../../tune/data/prepare/preparation.ts";
import { scratchIn } from "../../tune/data/store/scratch-file.ts";
import { loadSets } from "../../tune/train/load-sets.ts";
import { deviceEnvironment } from "../environment.ts";
import type { DataContext } from "./data-context.ts";
import type { SetStats } from "./data-stats.ts";

export interface PreparedSets {
  /** None where training is refused. */
  readonly sets: readonly PreparedSet[];
  /** In order. */
  readonly steps: readonly PreparationStep[];
  /** Why training would not begin; null where it would. */
  readonly refused: string | null;
}

export interface PreparedSet {
  readonly name: string;
  /** In its files, before any step; null for a part of the training files. */
  readonly read: number | null;
  /** That training has, before any is too long; a row with several questions counted once. */
  readonly rows: number;
  /** Rows of each label; null without labels, and where each is a question. */
  readonly labels: Readonly<Record<string, number>> | null;
}

/** Whether training has other rows than the files. */
export function changesRows({ data, prepare, evaluation }: Recipe): boolean {
  const isSplit = isFraction(data.validation) || isFraction(data.test);
  const isSample = data.validation !== null && evaluation.eval_samples !== null;
  return isSplit || isSample || prepare.balance !== "none" || actionsOf({ data, prepare }).includes("drop");
}

/**
 * Undefined for a file, and where neither rows change nor any could be refused.
 * @param stats of the files as they were read
 */
export async function preparedSets(
  { training, recipe }: DataContext,
  stats: readonly SetStats[],
  onEvent: EventSink,
): Promise<PreparedSets | undefined> {
  if (training === undefined || !(changesRows(recipe) || actionsOf(recipe).includes("refuse"))) return undefined;
  const { loaded, baseLabels } = training;
  const scratch = scratchIn(deviceEnvironment().cacheFolder);
  // What else is told was told while the files were read, or is in the steps.
  const progress: EventSink = (event) => void (event.kind === "progress" && onEvent(event));
  try {
    const { train, validation, test, preparation } = await loadSets(loaded, baseLabels, { scratch }, progress);
    const sets = [train, validation, test].filter((set) => set !== undefined);
    return { sets: sets.map((set) => preparedSet(set, stats)), steps: preparation, refused: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { sets: [], steps: [], refused: error.describe() };
  }
}

function actionsOf({ data, prepare }: Pick<Recipe, "data" | "prepare">): readonly string[] {
  const { exact_duplicates, near_duplicates, conflicting_labels, leakage } = prepare;
  const hasOthers = data.validation !== null || data.test !== null;
  return [exact_duplicates, near_duplicates, conflicting_labels, ...(hasOthers ? Object.values(leakage) : [])];
}

function preparedSet(set: Dataset, stats: readonly SetStats[]): PreparedSet {
  const read = stats.find(({ name }) => name === set.name)?.rows ?? null;
  return { name: set.name, read, rows: set.length / set.together, labels: labelsOf(set) };
}

function labelsOf(set: Dataset): PreparedSet["labels"] {
  const names = set.labels?.names;
  if (names === undefined || set.asked !== undefined) return null;
  const counts = names.map(() => 0);
  for (let index = 0; index < set.length; index++) {
    const label = set.label(index);
    for (const own of label === undefined ? (set.row(index).labels ?? []) : [label]) counts[own]!++;
  }
  return Object.fromEntries(names.map((name, i) => [name, counts[i]!]));
}
