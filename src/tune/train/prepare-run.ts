/** Everything that a run needs before its first step: device, data, the automatic choices, each told, and the model. */
import type { EventSink } from "../../base/events.ts";
import { packageVersion } from "../../base/package-root.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { Choice } from "../../base/recipe/resolved.ts";
import type { ProcessGroup } from "../../engine/device/collective/process-group.ts";
import type { BaseModel, RunEnvironment } from "./base-model.ts";
import type { MemoryPlan } from "./memory/plan-memory.ts";
import { type OpenModel, prepareTrainee, type Trainee } from "./method.ts";
import { planRun } from "./plan-run.ts";
import type { PreparedData } from "./prepare-data.ts";
import { countSet } from "./run-data.ts";
import type { RunInfo } from "./run-folder.ts";
import { openShared } from "./shared-base.ts";
import { SharedParts } from "./shared-parts.ts";
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
 * @param environment `signal` ends a download; `group`: the processes that train together
 * @param before what decides the numbers of a run that is gone on with
 * @param shared parts that other runs use too; without them, the run has its own
 * @throws UserError for anything about recipe, data, model or memory that stands in the way
 */
export async function prepareRun(
  loaded: LoadedRecipe,
  environment: RunEnvironment & { readonly signal?: AbortSignal; readonly group?: ProcessGroup | undefined },
  before: Pick<RunInfo, "settled" | "hub"> | undefined,
  onEvent: EventSink,
  shared?: SharedParts,
): Promise<PreparedRun> {
  const { recipe } = loaded;
  const parts = shared ?? new SharedParts();
  let trainee: Trainee | undefined;
  const free = (): void => {
    trainee?.[Symbol.dispose]();
    if (parts !== shared) parts[Symbol.dispose]();
  };
  try {
    const planned = await planRun(loaded, {
      environment,
      parts,
      weights: "fetch",
      before,
      group: environment.group,
      onEvent,
    });
    if (planned.refusal) throw planned.refusal;
    const { base, warmStart, device, prepared, memory, choices } = planned;
    const { data, encoder, encodeOptions, plan, scan } = prepared;
    const { labels } = data;
    const open: OpenModel = (folder, on, options) => openShared(parts, recipe, folder, on, options);
    trainee = prepareTrainee(recipe, base.folder, warmStart?.folder ?? null, device, memory.format, labels, open);
    if (warmStart === undefined) tellFreshHead(trainee, onEvent);
    return {
      ...{ trainee, data, encoder, encodeOptions, plan, scan, choices },
      optim: memory.optim,
      settings: { ...stepSettings(recipe, memory), pooling: trainee.model.classHead?.parts.pooling },
      info: runInfo(recipe, base, prepared, trainee, memory),
      [Symbol.dispose]: free,
    };
  } catch (error) {
    free();
    throw error;
  }
}

/** Which parts of the class head the base did not have. */
function tellFreshHead({ model }: Trainee, onEvent: EventSink): void {
  const modules = new Set([...(model.classHead?.fresh ?? [])].map((name) => name.slice(0, name.lastIndexOf("."))));
  if (modules.size === 0) return;
  onEvent({ kind: "choice", name: "class head", value: "new", reason: `the base has no ${[...modules].join(", ")}` });
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
