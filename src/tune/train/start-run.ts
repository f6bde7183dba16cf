/** A recipe into a run: device, model, data, folder, then the training loop, then the result. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { EventSink, Ledger, RunEvent } from "../../base/events.ts";
import { packageVersion } from "../../base/package-root.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import { type Choice, resolvedRecipeText } from "../../base/recipe/resolved.ts";
import { type DeviceOptions, openDevice } from "../../engine/open-device.ts";
import { loadChatTemplateIfAny } from "../../model/text/chat-template.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import type { BestState } from "./early-stopping.ts";
import { chooseMaxTokens, chooseRecompute } from "./memory.ts";
import { prepareTrainee, type Trainee } from "./method.ts";
import { Plan } from "./plan.ts";
import { fingerprintOf, resumePoint } from "./resume.ts";
import { checkVocabulary, encoderOf, loadRunData, type RunData } from "./run-data.ts";
import { isRunFolder, RunFolder, type RunInfo } from "./run-folder.ts";
import { hashWeights, saveResult } from "./save-result.ts";
import type { StepSettings } from "./step.ts";
import { trainLoop } from "./train.ts";
import { validate } from "./validate.ts";

export interface StartOptions extends Pick<DeviceOptions, "cacheFolder" | "compiler"> {
  /** Go on from the newest checkpoint in the run folder, if there is one. */
  readonly resume: boolean;
  /** Stop before the first step: everything is read, checked and chosen, nothing is written. */
  readonly dryRun: boolean;
  /** Aborted: a checkpoint is written after the running step, and the run ends as interrupted. */
  readonly signal: AbortSignal;
  readonly onEvent: EventSink;
}

export interface RunResult {
  readonly folder: string;
  readonly status: "finished" | "stopped early" | "interrupted" | "planned";
  readonly steps: number;
  readonly totalSteps: number;
  readonly examples: number;
  readonly trainableParameters: number;
  readonly seconds: number;
  /** Most memory that the process ever held. */
  readonly peakMemoryBytes: number;
  readonly ledger: Ledger | null;
  readonly best: BestState["best"];
  /** sha256 of the result's safetensors; null unless the run is over. */
  readonly weightsSha256: string | null;
}

/** @throws UserError for anything about recipe, data, model or disk that stands in the way */
export async function startRun(loaded: LoadedRecipe, options: StartOptions): Promise<RunResult> {
  const { recipe } = loaded;
  const { onEvent, signal } = options;
  const choices: Choice[] = [];
  const choose = (path: Choice["path"], value: unknown, reason: string): void => {
    choices.push({ path, value, reason });
    onEvent({ kind: "choice", name: path.join("."), value: String(value), reason });
  };
  if (!options.dryRun) refuseOldRun(recipe.output, options.resume);
  const opened = await openDevice({
    device: recipe.device,
    precision: recipe.precision,
    threads: recipe.threads === "auto" ? undefined : recipe.threads,
    cacheFolder: options.cacheFolder,
    compiler: options.compiler,
  });
  const { device } = opened;
  try {
    for (const message of opened.notes) onEvent({ kind: "note", level: "warning", message });
    if (recipe.device === "auto") choose(["device"], device.name, opened.reason);
    if (recipe.precision === "auto") choose(["precision"], device.precision, device.description);
    const base = baseFolder(loaded);
    const tokenizer = loadTokenizer(base);
    const template = loadChatTemplateIfAny(base);
    using trainee = prepareTrainee(recipe, base, recipe.warm_start, device);
    const { config } = trainee.model.decoder;
    const maxLength = recipe.template.max_length === "auto" ? config.maxPositions : recipe.template.max_length;
    if (recipe.template.max_length === "auto") choose(["template", "max_length"], maxLength, "config.json");
    const encoder = encoderOf(recipe, template, tokenizer);
    const { too_long: tooLong, cut_field: cutField } = recipe.template;
    const encodeOptions = { maxLength, tooLong, cutField };
    const data = await loadRunData(recipe, encoder, encodeOptions, onEvent);
    for (const set of [data.train, data.validation]) if (set) checkVocabulary(set, config.vocabSize, base);
    refuseMissingMetric(loaded, data);

    const settings = stepSettings(recipe, trainee, choose);
    const plan = new Plan(data.train.encoded.length, recipe.training, recipe.seed);
    const info = runInfo(recipe, base, data, trainee, plan, template?.hash ?? null);
    const planned = { ...resultOf(info, recipe.output, "planned"), examples: data.train.encoded.length };
    if (options.dryRun) return planned;

    using folder = RunFolder.open(recipe.output);
    const fingerprint = fingerprintOf(recipe, data.train);
    const resume = options.resume ? resumePoint(folder, fingerprint, onEvent) : undefined;
    const record = (event: RunEvent): void => {
      if (event.kind !== "progress") folder.append(event);
      onEvent(event);
    };
    if (!resume) {
      folder.truncateMetrics(0);
      for (const { path, value, reason } of choices) {
        folder.append({ kind: "choice", name: path.join("."), value: String(value), reason });
      }
    }
    folder.writeRecipe(resolvedRecipeText(loaded, choices));
    let latest: RunInfo = { ...info, status: "running" };
    folder.writeInfo(latest);
    try {
      const { status, progress } = await trainLoop({
        recipe,
        trainee,
        plan,
        example: (index) => data.train.encoded.example(index),
        settings,
        folder,
        evaluate:
          data.validation &&
          ((): ReturnType<typeof validate> =>
            validate({ recipe, trainee, validation: data.validation!, encoder, encodeOptions, settings, onEvent })),
        resume,
        fingerprint,
        signal,
        onEvent: record,
      });
      latest = {
        ...latest,
        status,
        steps: progress.step,
        seconds: progress.seconds,
        peakMemoryBytes: peakMemory(),
        ledger: progress.ledger,
      };
      if (status !== "interrupted") {
        const saved = saveResult(trainee, recipe.output);
        latest = { ...latest, weightsSha256: await hashWeights(saved) };
      }
      folder.writeInfo(latest);
      return { ...planned, ...resultOf(latest, recipe.output, status), best: progress.best.best };
    } catch (error) {
      writeFailure(folder, latest);
      throw error;
    }
  } finally {
    device.close();
  }
}

/** The disk may be what failed: then the original error matters, not this one. */
function writeFailure(folder: RunFolder, info: RunInfo): void {
  try {
    folder.writeInfo({ ...info, status: "failed" });
  } catch {
    // Nothing is lost: the checkpoints are there, and the run is resumed from them whatever run.json says.
  }
}

function baseFolder({ recipe, where }: LoadedRecipe): string {
  if (existsSync(join(recipe.base, "config.json"))) return resolve(recipe.base);
  throw new UserError({
    code: "model/no-folder",
    message: `base "${recipe.base}" is not the folder of a model: it has no config.json`,
    where: where(["base"]),
    fix: "give the path of a Hugging Face model folder",
  });
}

function refuseOldRun(output: string, resume: boolean): void {
  if (resume || !isRunFolder(output)) return;
  throw new UserError({
    code: "run/exists",
    message: "there is a run in this folder already",
    where: output,
    fix: "add --resume to go on with it, or choose another output (--output, or output: in the recipe)",
  });
}

function refuseMissingMetric({ recipe, where }: LoadedRecipe, { validation }: RunData): void {
  const metric = recipe.evaluation.metric_for_best_model;
  if (validation === undefined || metric === "loss" || validation.dataset.labels !== undefined) return;
  throw new UserError({
    code: "train/no-metric",
    message: `${metric} cannot be measured: the validation set has no labels`,
    where: where(["evaluation", "metric_for_best_model"]),
    fix: "take loss, or name the label's field in data.columns",
  });
}

function stepSettings(
  recipe: Recipe,
  { model }: Trainee,
  choose: (path: Choice["path"], value: unknown, reason: string) => void,
): StepSettings {
  const { config } = model.decoder;
  const maxTokens = chooseMaxTokens(recipe.packing.max_tokens, config);
  if (recipe.packing.max_tokens === "auto") choose(["packing", "max_tokens"], maxTokens.value, maxTokens.reason);
  const recompute = chooseRecompute(recipe.training.recompute, config, maxTokens.value);
  if (recipe.training.recompute === "auto") {
    choose(["training", "recompute"], recompute.value ? "full" : "none", recompute.reason);
  }
  return {
    seed: recipe.seed,
    packing: recipe.packing,
    maxTokens: maxTokens.value,
    recompute: recompute.value,
    maxGradNorm: recipe.training.max_grad_norm,
  };
}

function runInfo(
  recipe: Recipe,
  base: string,
  { train }: RunData,
  { lora, trainable }: Trainee,
  plan: Plan,
  templateHash: string | null,
): RunInfo {
  let trainableParameters = 0;
  for (const tensor of trainable.values()) trainableParameters += tensor.length;
  return {
    version: 1,
    status: "running",
    base,
    method: recipe.method,
    quantization: recipe.quantization ?? null,
    labels: train.dataset.labels?.names ?? null,
    template: recipe.template,
    columns: recipe.data.columns,
    templateHash,
    weights: lora ? "adapter" : "model",
    weightsSha256: null,
    steps: 0,
    totalSteps: plan.totalSteps,
    seconds: 0,
    peakMemoryBytes: 0,
    trainableParameters,
    ledger: null,
    fettle: packageVersion,
  };
}

function resultOf(info: RunInfo, folder: string, status: RunResult["status"]): Omit<RunResult, "examples"> {
  const { steps, totalSteps, trainableParameters, seconds, peakMemoryBytes, ledger, weightsSha256 } = info;
  return {
    folder,
    status,
    steps,
    totalSteps,
    trainableParameters,
    seconds,
    peakMemoryBytes,
    ledger,
    best: null,
    weightsSha256,
  };
}

function peakMemory(): number {
  return process.resourceUsage().maxRSS * 1024;
}
