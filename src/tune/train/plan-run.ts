/** What a run will do and take, before its model is opened: device, data, the automatic choices, each told. */
import type { UserError } from "../../base/errors.ts";
import type { EventSink, Forecast } from "../../base/events.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { Choice } from "../../base/recipe/resolved.ts";
import { alone, type ProcessGroup } from "../../engine/device/collective/process-group.ts";
import type { Device } from "../../engine/device/device.ts";
import type { DeviceEnvironment, DeviceOptions } from "../../engine/open-device.ts";
import { readConfigJson } from "../../model/files/config.ts";
import { readQuantizationConfig } from "../../model/files/quantization-config.ts";
import { type BaseModel, chosenCommit, findBase, findWarmStart, type RunEnvironment } from "./base-model.ts";
import { findData } from "./find-data.ts";
import type { Choose } from "./fit-recipe.ts";
import { forecastOf, tellMemoryPlan } from "./memory/forecast.ts";
import { type MemoryPlan, planMemory, type SettledChoices } from "./memory/plan-memory.ts";
import { refusalOf } from "./memory/refusal.ts";
import { pagingNote } from "./optimizer-states.ts";
import { type PreparedData, prepareData } from "./prepare-data.ts";
import type { RunInfo } from "./run-folder.ts";
import type { SharedParts } from "./shared-parts.ts";

export interface RunPlan {
  readonly base: BaseModel;
  readonly warmStart: BaseModel | undefined;
  /** Lent by the parts. */
  readonly device: Device;
  readonly prepared: PreparedData;
  readonly memory: MemoryPlan;
  readonly forecast: Forecast;
  readonly choices: readonly Choice[];
  /** Where it does not fit: why it is refused, and what would. */
  readonly refusal: UserError | undefined;
}

export interface PlanOptions {
  readonly environment: RunEnvironment & { readonly signal?: AbortSignal };
  readonly parts: SharedParts;
  /** Whether models of the hub are needed whole now. */
  readonly weights: "fetch" | "later";
  /** What decides the numbers of a run that is gone on with. */
  readonly before?: Pick<RunInfo, "settled" | "hub"> | undefined;
  /** The processes that train together; default: one alone. */
  readonly group?: ProcessGroup | undefined;
  readonly onEvent: EventSink;
}

/** @throws UserError for anything about recipe, data or device that stands in the way, but for memory */
export async function planRun(loaded: LoadedRecipe, options: PlanOptions): Promise<RunPlan> {
  const { recipe } = loaded;
  const { environment, parts, weights, before, group = alone, onEvent } = options;
  const choices: Choice[] = [];
  const choose: Choose = (path, value, reason) => {
    choices.push({ path, value, reason });
    onEvent({ kind: "choice", name: path.join("."), value: String(value), reason });
  };
  const base = await findBase(loaded, environment, before?.hub, weights, onEvent);
  const commit = chosenCommit(base);
  if (commit) choose(["base"], commit.value, commit.reason);
  const warmStart = weights === "fetch" ? await findWarmStart(loaded, environment, onEvent) : undefined;
  const warmCommit = warmStart && chosenCommit(warmStart);
  if (warmCommit) choose(["warm_start"], warmCommit.value, warmCommit.reason);
  const { device, reason, notes } = await parts.device(deviceOptions(recipe, environment));
  for (const message of notes) onEvent({ kind: "note", level: "warning", message });
  for (const message of [pagingNote(recipe, device), storedNote(recipe, base.folder)]) {
    if (message) onEvent({ kind: "note", level: "info", message });
  }
  if (recipe.device === "auto") choose(["device"], device.name, reason);
  if (recipe.precision === "auto") choose(["precision"], device.precision, device.description);
  const found = await findData(loaded, environment, choose, onEvent);
  const prepared = await prepareData(found, base.folder, choose, onEvent, {
    parts,
    cacheFolder: deviceOptions(recipe, environment).cacheFolder,
  });
  const { data, plan } = prepared;
  const target = parts.target(recipe);
  const example = data.train.encoded.example.bind(data.train.encoded);
  // What reaches the numbers is settled by rank 0 for all.
  const settled = group.rank === 0 ? before?.settled : group.share<SettledChoices | undefined>(undefined);
  const processes = group.size;
  const input = { recipe, base: base.folder, target, plan, example, labels: data.labels, before: settled, processes };
  const memory = planMemory(input);
  if (group.rank === 0) group.share({ maxTokens: memory.maxTokens, format: memory.format });
  tellMemoryPlan(recipe, memory, choose);
  const forecast = forecastOf(recipe, memory, target, plan.totalSteps, processes);
  onEvent({ kind: "forecast", forecast });
  const refusal = memory.fits ? undefined : refusalOf(input, memory);
  return { base, warmStart, device, prepared, memory, forecast, choices, refusal };
}

/** The device that a recipe asks for. */
export function deviceOptions(
  { device, precision, threads, memory_budget: budget, cache }: Recipe,
  { cacheFolder, compiler, cudaLibraries, cudaRoots, card, threads: share }: DeviceEnvironment,
): DeviceOptions {
  return {
    ...{ compiler, cudaLibraries, cudaRoots, card, device, precision },
    cacheFolder: cache.kernels ?? cacheFolder,
    threads: threads === "auto" ? share : threads,
    memoryBudget: budget === "auto" ? undefined : budget,
  };
}

/** What to tell of a base that comes in 4 bits. */
function storedNote({ quantization }: Recipe, folder: string): string | undefined {
  if (readQuantizationConfig(readConfigJson(folder)) === undefined) return undefined;
  if (quantization === undefined) return "the base is in 4 bits and dequantised; method: qlora keeps it in 4 bits";
  return "the base is in 4 bits and taken as it is, whatever the section quantization says";
}
