/** Everything that a run needs before its first step: device, data, the automatic choices, each told, and the model. */
import type { EventSink } from "../../base/events.ts";
import { packageVersion } from "../../base/package-root.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { Choice } from "../../base/recipe/resolved.ts";
import { openDevice } from "../../engine/open-device.ts";
import { readConfigJson } from "../../model/files/config.ts";
import { readQuantizationConfig } from "../../model/files/quantization-config.ts";
import { type BaseModel, chosenCommit, findBase, findWarmStart, type RunEnvironment } from "./base-model.ts";
import { forecastOf, tellMemoryPlan } from "./memory/forecast.ts";
import { type MemoryPlan, planMemory } from "./memory/plan-memory.ts";
import { refusalOf } from "./memory/refusal.ts";
import { targetOf } from "./memory/target.ts";
import { prepareTrainee, type Trainee } from "./method.ts";
import { pagingNote } from "./optimizer-states.ts";
import { type Choose, type PreparedData, prepareData } from "./prepare-data.ts";
import { countSet } from "./run-data.ts";
import type { RunInfo } from "./run-folder.ts";
import type { StepSettings } from "./step.ts";

/** Dispose of it to free the model and close the device. */
export interface PreparedRun extends Omit<PreparedData, "templateHash">, Disposable {
  readonly trainee: Trainee;
  readonly settings: StepSettings;
  readonly choices: readonly Choice[];
  /** The recipe's, or where nothing else fits the one that gives the same numbers with its states in host memory. */
  readonly optim: Recipe["training"]["optim"];
  /** As it stands before the first step. */
  readonly info: RunInfo;
}

/**
 * @param environment `signal` ends a download
 * @param before what decides the numbers of a run that is gone on with
 * @throws UserError for anything about recipe, data, model or memory that stands in the way
 */
export async function prepareRun(
  loaded: LoadedRecipe,
  environment: RunEnvironment & { readonly signal?: AbortSignal },
  before: Pick<RunInfo, "settled" | "hub"> | undefined,
  onEvent: EventSink,
): Promise<PreparedRun> {
  const { recipe } = loaded;
  const choices: Choice[] = [];
  const choose: Choose = (path, value, reason) => {
    choices.push({ path, value, reason });
    onEvent({ kind: "choice", name: path.join("."), value: String(value), reason });
  };
  const base = await findBase(loaded, environment, before?.hub, "fetch", onEvent);
  const commit = chosenCommit(base);
  if (commit) choose(["base"], commit.value, commit.reason);
  const warmStart = await findWarmStart(loaded, environment, onEvent);
  const warmCommit = warmStart && chosenCommit(warmStart);
  if (warmCommit) choose(["warm_start"], warmCommit.value, warmCommit.reason);
  const threads = recipe.threads === "auto" ? undefined : recipe.threads;
  const { device: wanted, precision } = recipe;
  const memoryBudget = recipe.memory_budget === "auto" ? undefined : recipe.memory_budget;
  const { device, reason, notes } = await openDevice({
    ...environment,
    cacheFolder: recipe.cache.kernels ?? environment.cacheFolder,
    device: wanted,
    precision,
    threads,
    memoryBudget,
  });
  let trainee: Trainee | undefined;
  try {
    for (const message of notes) onEvent({ kind: "note", level: "warning", message });
    for (const message of [pagingNote(recipe, device), storedNote(recipe, base.folder)]) {
      if (message) onEvent({ kind: "note", level: "info", message });
    }
    if (recipe.device === "auto") choose(["device"], device.name, reason);
    if (recipe.precision === "auto") choose(["precision"], device.precision, device.description);
    const prepared = await prepareData(loaded, base.folder, choose, onEvent);
    const { data, plan } = prepared;
    const target = targetOf(device, recipe);
    const example = data.train.encoded.example.bind(data.train.encoded);
    const { labels } = data;
    const input = { recipe, base: base.folder, target, plan, example, labels, before: before?.settled };
    const memory = planMemory(input);
    tellMemoryPlan(recipe, memory, choose);
    onEvent({ kind: "forecast", forecast: forecastOf(recipe, memory, target, plan.totalSteps) });
    if (!memory.fits) throw refusalOf(input, memory);
    trainee = prepareTrainee(recipe, base.folder, warmStart?.folder ?? null, device, memory.format, labels);
    const made = trainee;
    const { encoder, encodeOptions } = prepared;
    return {
      ...{ trainee, data, encoder, encodeOptions, plan, choices },
      optim: memory.optim,
      settings: { ...stepSettings(recipe, memory), pooling: made.model.classHead?.parts.pooling },
      info: runInfo(recipe, base, prepared, trainee, memory),
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

/** What to tell of a base that comes in 4 bits. */
function storedNote({ quantization }: Recipe, folder: string): string | undefined {
  if (readQuantizationConfig(readConfigJson(folder)) === undefined) return undefined;
  if (quantization === undefined) return "the base is in 4 bits and dequantised; method: qlora keeps it in 4 bits";
  return "the base is in 4 bits and taken as it is, whatever the section quantization says";
}

function stepSettings({ seed, packing, training }: Recipe, { maxTokens, recompute }: MemoryPlan): StepSettings {
  return { seed, packing, maxTokens, recompute, maxGradNorm: training.max_grad_norm };
}

function runInfo(
  recipe: Recipe,
  base: BaseModel,
  { data: { train, validation, labels, preparation }, plan, templateHash }: PreparedData,
  { lora, trainable }: Trainee,
  { maxTokens, format, peakBytes, secondsPerStep }: MemoryPlan,
): RunInfo {
  let trainableParameters = 0;
  for (const tensor of trainable.values()) trainableParameters += tensor.length;
  return {
    version: 1,
    status: "running",
    base: base.folder,
    hub: base.source,
    method: recipe.method,
    task_type: recipe.task_type,
    problem_type: recipe.problem_type,
    head: recipe.head ?? null,
    quantization: recipe.quantization ?? null,
    labels: labels?.names ?? null,
    template: recipe.template,
    columns: recipe.data.columns,
    templateHash,
    data: { train: countSet(train), validation: validation ? countSet(validation) : null, preparation },
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
