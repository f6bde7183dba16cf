/** Whether a checkpoint may be gone on with, and which. */
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { MetricForBestModel } from "../../base/recipe/metric-names.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { Device } from "../../engine/device/device.ts";
import { checkFiles, listCheckpoints, type Progress, readProgress, setAside } from "./checkpoint.ts";
import { optimizerStates } from "./optimizer-states.ts";
import { hashExamples, type RunData } from "./run-data.ts";
import type { RunFolder, RunInfo } from "./run-folder.ts";

const trainingExamples = "the training examples";
const validationExamples = "the validation examples";

/** Metrics of two labels that are another number about the other label. */
const ofPositiveLabel: readonly MetricForBestModel[] = ["f1", "roc_auc", "average_precision", "brier"];

/** Everything in a recipe that decides the trained numbers or how they are read, and the hash of the examples. */
export type Fingerprint = Readonly<Record<string, string>>;

export function fingerprintOf(
  recipe: Recipe,
  { hub, settled }: Pick<RunInfo, "hub" | "settled">,
  device: Device,
  { train, validation }: RunData,
): Fingerprint {
  // Who keeps what part of the states changes no number, as little as who logs how often or what is computed again.
  const { logging_steps: _, zero_stage: __, recompute: ___, ...training } = recipe.training;
  const deciding = {
    device: device.name,
    precision: device.precision,
    base: hub ? `${hub.repo}@${hub.commit}` : recipe.base,
    seed: recipe.seed,
    method: recipe.method,
    task_type: recipe.task_type,
    problem_type: recipe.problem_type,
    head: recipe.head,
    loss: recipe.loss,
    init: recipe.init,
    warm_start: recipe.warm_start,
    lora: recipe.lora,
    quantization: recipe.quantization,
    // Where states lie changes no number.
    training: { ...training, optim: optimizerStates[training.optim].kind },
    // The recipe in the run folder says what `auto` came to.
    packing: { ...recipe.packing, max_tokens: settled.maxTokens },
    evaluation: recipe.evaluation,
  };
  return {
    ...flatten(deciding, ""),
    [trainingExamples]: hashExamples(train),
    [validationExamples]: validation ? hashExamples(validation) : "none",
  };
}

/**
 * The newest complete checkpoint; undefined when there is none.
 * @throws UserError when it was written under other settings, naming them
 */
export function resumePoint(
  folder: RunFolder,
  fingerprint: Fingerprint,
  onEvent: EventSink,
): { readonly path: string; readonly progress: Progress } | undefined {
  const newest = newestWhole(folder, onEvent);
  if (newest === undefined) {
    onEvent({ kind: "note", level: "info", message: "nothing to resume: there is no checkpoint yet" });
    return undefined;
  }
  const { path, progress } = newest;
  const keys = new Set([...Object.keys(fingerprint), ...Object.keys(progress.fingerprint)]);
  const different = [...keys].filter((key) => fingerprint[key] !== progress.fingerprint[key]);
  const changed = different.filter((key) => reachesWeights(key, fingerprint));
  if (changed.length > 0) {
    throw new UserError({
      code: "run/changed",
      message: `the run was started with something else: ${changed.map((key) => differenceOf(key, progress.fingerprint, fingerprint)).join("; ")}`,
      where: path,
      fix: "set it back to go on, or train anew in another folder (warm_start takes over the adapter)",
    });
  }
  for (const key of different) {
    const message = `${differenceOf(key, progress.fingerprint, fingerprint)}, which reaches no weight: what follows goes by it`;
    onEvent({ kind: "note", level: "info", message });
  }
  onEvent({ kind: "note", level: "info", message: `resuming after step ${progress.step} from ${path}` });
  return { path, progress };
}

/** The newest checkpoint whose files are whole; damaged ones are told and set aside. */
function newestWhole(
  folder: RunFolder,
  onEvent: EventSink,
): { readonly path: string; readonly progress: Progress } | undefined {
  for (const path of listCheckpoints(folder.checkpoints).reverse()) {
    try {
      checkFiles(path);
      return { path, progress: readProgress(path) };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const message = `a damaged checkpoint is set aside as ${setAside(path)}: ${error.message}`;
      onEvent({ kind: "note", level: "warning", message });
    }
  }
  return undefined;
}

/** What is chosen after training does not; the positive label does by the metric that the best checkpoint goes by. */
function reachesWeights(key: string, fingerprint: Fingerprint): boolean {
  if (key === "evaluation.positive_label") {
    return ofPositiveLabel.some((name) => fingerprint["evaluation.metric_for_best_model"] === JSON.stringify(name));
  }
  return !/^evaluation\.(calibration|threshold)(\.|$)/.test(key);
}

/** One key of two fingerprints, for people. */
export function differenceOf(key: string, before: Fingerprint, now: Fingerprint): string {
  if (key === trainingExamples || key === validationExamples) return `${key} differ`;
  return `${key} was ${before[key] ?? "not there"}, is ${now[key] ?? "not there"}`;
}

function flatten(value: unknown, path: string): Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { [path]: JSON.stringify(value) ?? "" };
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.assign({}, ...entries.map(([key, member]) => flatten(member, path === "" ? key : `${path}.${key}`)));
}
