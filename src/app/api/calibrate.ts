/** After training: how a finished model's probabilities are read, chosen on rows that are at hand. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { isFraction, pathList } from "../../base/recipe/combinations.ts";
import { loadRecipe } from "../../base/recipe/load.ts";
import type { DataOptions, EvaluationOptions } from "../../base/recipe/recipe.ts";
import { Problems } from "../../tune/data/problems.ts";
import { identities } from "../../tune/data/sources/identities.ts";
import { fitDecision } from "../../tune/evaluate/calibration/fit-decision.ts";
import { plainDecision } from "../../tune/score/decision.ts";
import { labelNames, predictRows } from "../../tune/score/predict-rows.ts";
import { findParts } from "../../tune/train/artefact-parts.ts";
import { checkDecision } from "../../tune/train/check-decision.ts";
import { type ChosenOn, readClassifier, writeClassifier } from "../../tune/train/classifier-file.ts";
import { decisionKeys, logitsOf } from "../../tune/train/decide-on-validation.ts";
import { isRunFolder, SPLITS_FILE } from "../../tune/train/run-folder.ts";
import { tellDecision } from "../../tune/train/tell-decision.ts";
import type { LoadedModel } from "./load-model.ts";
import { classifierOf, loadScoringSet } from "./scoring-set.ts";

export interface CalibrateOptions extends Partial<Pick<EvaluationOptions, "calibration" | "threshold">> {
  /**
   * Files with labelled rows: neither those that were learnt, nor those to be judged on; `RUN/splits.json` means the rows that
   * the run set aside for validation.
   */
  readonly data: readonly string[];
  /** At most this many rows. */
  readonly limit?: number | undefined;
  readonly onEvent?: EventSink | undefined;
}

export interface Calibrated {
  /** The folder whose `classifier.json` was written. */
  readonly folder: string;
  readonly temperature: number | null;
  readonly thresholds: Readonly<Record<string, number>> | null;
  readonly positiveLabel: string | null;
  /** [true label][label given] */
  readonly costs: readonly (readonly number[])[] | null;
  /** Metrics of the rows, as probabilities are read by default and as they are read now. */
  readonly chosenOn: ChosenOn;
}

/**
 * Fits a temperature (the default) and, where a rule is given, chooses thresholds, and writes them into `classifier.json`,
 * in place of what it said before: all answers from then on follow it.
 * @throws UserError for a model that Fettle did not make, for the run's own test files, and when no row has a label
 */
export async function calibrate(model: LoadedModel, options: CalibrateOptions): Promise<Calibrated> {
  const { data, limit, calibration = "temperature", threshold = null, onEvent = () => {} } = options;
  const { artefact, reading } = model;
  const { modelFolder, adapterFolder } = findParts(artefact.path, artefact.model.folder);
  const folder = adapterFolder ?? modelFolder;
  const file = readClassifier(folder);
  if (file === undefined) {
    throw new UserError({
      code: "calibrate/no-classifier",
      message: "there is no classifier.json, which would hold what is chosen",
      where: folder,
      fix: "give a run, or the adapter or model folder of one, that was trained on labels",
    });
  }
  await refuseOwnFiles(artefact.path, data);
  const dataset = await loadScoringSet(model, data, { limit, answerOptional: false, part: "validation" }, onEvent);
  const labels = labelNames(dataset);
  const classifier = classifierOf(model, dataset);
  const { multiLabel, positive } = classifier.decision;
  const asked = { positive_label: reading.positiveLabel ?? null, calibration, threshold };
  checkDecision(asked, labels, multiLabel, () => undefined);
  const plain = { ...classifier, decision: plainDecision(labels.length, multiLabel, positive) };
  const problems = new Problems();
  const total = dataset.length / dataset.together;
  const predictions = predictRows(plain, dataset, problems);
  const logits = await logitsOf(predictions, labels.length, multiLabel, total, onEvent);
  for (const line of problems.lines()) onEvent({ kind: "note", level: "warning", message: line });
  const fitted = fitDecision(logits, labels, positive, { calibration, threshold });
  const name = data.map((path) => basename(path)).join(", ");
  tellDecision(fitted, labels, { calibration, threshold }, name, onEvent);
  const keys = decisionKeys(fitted, labels, name);
  const chosenOn: ChosenOn = { ...keys.chosen_on!, by: "calibrate" };
  writeClassifier(folder, { ...file, ...keys, chosen_on: chosenOn });
  return {
    folder,
    temperature: keys.temperature,
    thresholds: keys.thresholds,
    positiveLabel: keys.positive_label ?? null,
    costs: keys.costs ?? null,
    chosenOn,
  };
}

/** What is chosen on test rows is no longer tested by them, and the model is too sure of rows that it has learnt. */
async function refuseOwnFiles(run: string, data: readonly string[]): Promise<void> {
  const recipe = join(run, "recipe.yaml");
  if (!isRunFolder(run) || !existsSync(recipe)) return;
  const sets = loadRecipe(recipe, { purpose: "evaluate" }).recipe.data;
  for (const part of ["test", "train"] as const) {
    const own = await identities(pathList(sets[part]), part);
    const shared = [...(await identities(data, "validation"))].find(([identity]) => own.has(identity));
    if (shared === undefined) continue;
    throw new UserError({
      code: part === "test" ? "calibrate/test-set" : "calibrate/training-set",
      message:
        part === "test"
          ? "this is the run's test set: what is chosen on it could not be tested on it any more"
          : "the run has learnt these rows, and is surer of them than of others",
      where: shared[1],
      fix: `give rows that are neither learnt nor tested on${ownValidation(run, sets.validation)}`,
    });
  }
}

/** Which rows the run has for it. */
function ownValidation(run: string, validation: DataOptions["validation"]): string {
  if (isFraction(validation)) return `; ${join(run, SPLITS_FILE)} names those set aside for validation`;
  const files = pathList(validation);
  return files.length === 0 ? "" : `, such as the validation set: ${files.join(" ")}`;
}
