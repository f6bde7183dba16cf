/** Everything that a run needs before its first step: device, data, the automatic choices, each told, and the model. */
import type { EventSink } from "../../base/events.ts";
import { packageVersion } from "../../base/package-root.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { Choice } from "../../base/recipe/resolved.ts";
import { type DeviceEnvironment, openDevice } from "../../engine/open-device.ts";
import { forecastOf, tellMemoryPlan } from "./memory/forecast.ts";
import { type MemoryPlan, planMemory, type SettledChoices } from "./memory/plan-memory.ts";
import { refusalOf } from "./memory/refusal.ts";
import { targetOf } from "./memory/target.ts";
import { prepareTrainee, type Trainee } from "./method.ts";
import { type Choose, type PreparedData, prepareData } from "./prepare-data.ts";
import { countSet } from "./run-data.ts";
import type { RunInfo } from "./run-folder.ts";
import type { StepSettings } from "./step.ts";

/** Dispose of it to free the model and close the device. */
export interface PreparedRun extends Omit<PreparedData, "base" | "templateHash">, Disposable {
  readonly trainee: Trainee;
  readonly settings: StepSettings;
  readonly choices: readonly Choice[];
  /** As it stands before the first step. */
  readonly info: RunInfo;
}

/**
 * @param before what decides the numbers of a run that is gone on with
 * @throws UserError for anything about recipe, data, model or memory that stands in the way
 */
export async function prepareRun(
  loaded: LoadedRecipe,
  environment: DeviceEnvironment,
  before: SettledChoices | undefined,
  onEvent: EventSink,
): Promise<PreparedRun> {
  const { recipe } = loaded;
  const choices: Choice[] = [];
  const choose: Choose = (path, value, reason) => {
    choices.push({ path, value, reason });
    onEvent({ kind: "choice", name: path.join("."), value: String(value), reason });
  };
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
    const prepared = await prepareData(loaded, choose, onEvent);
    const { base, data, plan } = prepared;
    const target = targetOf(device, recipe);
    const example = data.train.encoded.example.bind(data.train.encoded);
    const input = { recipe, base, target, plan, example, before };
    const memory = planMemory(input);
    tellMemoryPlan(recipe, memory, choose);
    onEvent({ kind: "forecast", forecast: forecastOf(recipe, memory, target, plan.totalSteps) });
    if (!memory.fits) throw refusalOf(input, memory);
    trainee = prepareTrainee(recipe, base, recipe.warm_start, device, memory.format);
    const made = trainee;
    const { encoder, encodeOptions } = prepared;
    return {
      ...{ trainee, data, encoder, encodeOptions, plan, choices },
      settings: stepSettings(recipe, memory),
      info: runInfo(recipe, prepared, trainee, memory),
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

function stepSettings({ seed, packing, training }: Recipe, { maxTokens, recompute }: MemoryPlan): StepSettings {
  return { seed, packing, maxTokens, recompute, maxGradNorm: training.max_grad_norm };
}

function runInfo(
  recipe: Recipe,
  { base, data: { train, validation }, plan, templateHash }: PreparedData,
  { lora, trainable }: Trainee,
  { maxTokens, format, peakBytes, secondsPerStep }: MemoryPlan,
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
    settled: { maxTokens, format },
    predicted: { peakBytes, seconds: secondsPerStep * plan.totalSteps },
    measured: null,
    trainableParameters,
    ledger: null,
    fettle: packageVersion,
  };
}
