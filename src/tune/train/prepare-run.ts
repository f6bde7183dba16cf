/** Everything that a run needs before its first step: device, model, data and the automatic choices, each told. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { packageVersion } from "../../base/package-root.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { Choice } from "../../base/recipe/resolved.ts";
import { type DeviceEnvironment, openDevice } from "../../engine/open-device.ts";
import { loadChatTemplateIfAny } from "../../model/text/chat-template.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import type { ConversationEncoder } from "../data/conversation-encoder.ts";
import type { EncodeOptions } from "../data/encode.ts";
import { chooseMaxTokens, chooseRecompute } from "./memory.ts";
import { prepareTrainee, type Trainee } from "./method.ts";
import { Plan } from "./plan.ts";
import { checkVocabulary, countSet, encoderOf, loadRunData, type RunData } from "./run-data.ts";
import type { RunInfo } from "./run-folder.ts";
import type { StepSettings } from "./step.ts";

/** Dispose of it to free the model and close the device. */
export interface PreparedRun extends Disposable {
  readonly trainee: Trainee;
  readonly data: RunData;
  readonly encoder: ConversationEncoder;
  readonly encodeOptions: EncodeOptions;
  readonly settings: StepSettings;
  readonly plan: Plan;
  readonly choices: readonly Choice[];
  /** As it stands before the first step. */
  readonly info: RunInfo;
}

type Choose = (path: Choice["path"], value: unknown, reason: string) => void;

/** @throws UserError for anything about recipe, data or model that stands in the way */
export async function prepareRun(
  loaded: LoadedRecipe,
  environment: DeviceEnvironment,
  onEvent: EventSink,
): Promise<PreparedRun> {
  const { recipe } = loaded;
  const choices: Choice[] = [];
  const choose: Choose = (path, value, reason) => {
    choices.push({ path, value, reason });
    onEvent({ kind: "choice", name: path.join("."), value: String(value), reason });
  };
  const base = baseFolder(loaded);
  const threads = recipe.threads === "auto" ? undefined : recipe.threads;
  const { device: wanted, precision } = recipe;
  const memoryBudget = recipe.memory_budget === "auto" ? undefined : recipe.memory_budget;
  const { device, reason, notes } = await openDevice({
    ...environment,
    device: wanted,
    precision,
    threads,
    memoryBudget,
  });
  let trainee: Trainee | undefined;
  try {
    for (const message of notes) onEvent({ kind: "note", level: "warning", message });
    if (recipe.device === "auto") choose(["device"], device.name, reason);
    if (recipe.precision === "auto") choose(["precision"], device.precision, device.description);
    const tokenizer = loadTokenizer(base);
    const template = loadChatTemplateIfAny(base);
    trainee = prepareTrainee(recipe, base, recipe.warm_start, device);
    const { config } = trainee.model.decoder;
    const { max_length: length, too_long: tooLong, cut_field: cutField } = recipe.template;
    refuseLongRows(loaded, config.maxPositions);
    if (length === "auto") choose(["template", "max_length"], config.maxPositions, "config.json");
    const encodeOptions = { maxLength: length === "auto" ? config.maxPositions : length, tooLong, cutField };
    const encoder = encoderOf(recipe, template, tokenizer);
    const data = await loadRunData(recipe, encoder, encodeOptions, onEvent);
    for (const set of [data.train, data.validation]) if (set) checkVocabulary(set, config.vocabSize, base);
    refuseMissingMetric(loaded, data);
    const settings = stepSettings(recipe, trainee, choose);
    const plan = new Plan(data.train.encoded.length, recipe.training, recipe.seed);
    const info = runInfo(recipe, base, data, trainee, plan, template?.hash ?? null);
    const made = trainee;
    return {
      trainee,
      data,
      encoder,
      encodeOptions,
      settings,
      plan,
      choices,
      info,
      [Symbol.dispose]() {
        made[Symbol.dispose]();
        device.close();
      },
    };
  } catch (error) {
    trainee?.[Symbol.dispose]();
    device.close();
    throw error;
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

function refuseLongRows({ recipe, where }: LoadedRecipe, maxPositions: number): void {
  const length = recipe.template.max_length;
  if (length === "auto" || length <= maxPositions) return;
  throw new UserError({
    code: "train/max-length",
    message: `max_length is ${length}, the model has ${maxPositions} positions (max_position_embeddings)`,
    where: where(["template", "max_length"]),
    fix: `take auto, or at most ${maxPositions}`,
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

function stepSettings(recipe: Recipe, { model }: Trainee, choose: Choose): StepSettings {
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
    recompute: recompute.value ? { cheap: false, fullLayers: config.layers } : { cheap: false, fullLayers: 0 },
    maxGradNorm: recipe.training.max_grad_norm,
  };
}

function runInfo(
  recipe: Recipe,
  base: string,
  { train, validation }: RunData,
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
    data: { train: countSet(train), validation: validation ? countSet(validation) : null },
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
