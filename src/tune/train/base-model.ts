/** Where the model that a recipe, run or adapter is based on lies: a folder, or a model of the hub that is fetched. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { type HubName, type HubSource, isCommit, parseHubName } from "../../base/hub-name.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { DeviceEnvironment } from "../../engine/open-device.ts";
import { familyOf } from "../../model/families/index.ts";
import { type ConfigJson, readConfigJson } from "../../model/files/config.ts";
import type { HubAccess } from "../../model/files/hub/hub-access.ts";
import { type PullOptions, pullModel } from "../../model/files/hub/pull-model.ts";
import type { PulledModel } from "../../model/files/hub/pulled-model.ts";
import { missingFiles, snapshotOf } from "../../model/files/hub/snapshot.ts";
import { isRunFolder, readRunInfo } from "./run-folder.ts";

/** What the machine's owner decides, for all runs. */
export interface RunEnvironment extends DeviceEnvironment {
  /** Asked for only when a model of the hub is named: what is wrong with it concerns nobody else. */
  readonly hub: () => HubAccess;
}

export interface BaseModel {
  /** Absolute. */
  readonly folder: string;
  /** Null for a folder that the recipe names. */
  readonly source: HubSource | null;
}

/** Fetches a model or adapter of the hub, unless config.json says that it is of a kind that cannot be used. */
export function pullKnownModel(
  name: HubName,
  hub: HubAccess,
  options: Omit<PullOptions, "check">,
): Promise<PulledModel> {
  const check = (config: ConfigJson): void => void familyOf(config).readConfig(config);
  return pullModel(name, hub, { ...options, check });
}

/**
 * @param before what a run that is gone on with is based on: its commit is taken again, wherever the branch is by now
 * @param weights whether they are needed now
 * @throws UserError when there is no such model, or it cannot be fetched
 */
export async function findBase(
  { recipe, where }: LoadedRecipe,
  { hub, signal }: RunEnvironment & { readonly signal?: AbortSignal },
  before: HubSource | null | undefined,
  weights: "fetch" | "later",
  onEvent: EventSink,
): Promise<BaseModel> {
  if (existsSync(join(recipe.base, "config.json"))) return { folder: resolve(recipe.base), source: null };
  const asked = parseHubName(recipe.base);
  if (asked === undefined) {
    throw new UserError({
      code: "model/no-folder",
      message: `base "${recipe.base}" is not the folder of a model: it has no config.json`,
      where: where(["base"]),
      fix: "give the path of a Hugging Face model folder, or ORG/NAME of a model on the hub",
    });
  }
  const isSame = before?.repo === asked.repo && before.revision === asked.revision;
  const name = isSame ? { ...asked, revision: before.commit } : asked;
  const options: PullOptions = { weights: recipe.init === "random" ? "never" : weights, signal, onEvent };
  const { folder, commit } = await pullKnownModel(name, accessOf(recipe, hub), options);
  return { folder, source: { ...asked, commit } };
}

/**
 * The adapter that training starts from, undefined for none.
 * @throws UserError when there is no such folder or adapter, or it cannot be fetched
 */
export async function findWarmStart(
  { recipe, where }: LoadedRecipe,
  { hub, signal }: RunEnvironment & { readonly signal?: AbortSignal },
  onEvent: EventSink,
): Promise<BaseModel | undefined> {
  const { warm_start: named } = recipe;
  if (named === null) return undefined;
  if (existsSync(named)) return { folder: named, source: null };
  const asked = parseHubName(named);
  if (asked === undefined) {
    throw new UserError({
      code: "train/no-warm-start",
      message: `there is no folder ${named} to start from`,
      where: where(["warm_start"]),
      fix: "give the folder of a run or an adapter, or ORG/NAME of an adapter on the hub",
    });
  }
  const { folder, commit } = await pullKnownModel(asked, accessOf(recipe, hub), { weights: "fetch", signal, onEvent });
  return { folder, source: { ...asked, commit } };
}

function accessOf({ cache }: Recipe, hub: RunEnvironment["hub"]): HubAccess {
  const access = hub();
  return { ...access, cacheFolder: cache.models ?? access.cacheFolder };
}

/** The choice of a commit, for the run's recipe: it loads again to the very same base. */
export function chosenCommit({ source }: BaseModel): { readonly value: string; readonly reason: string } | undefined {
  if (source === null || isCommit(source.revision)) return undefined;
  return { value: `${source.repo}@${source.commit}`, reason: `${source.revision} on the hub` };
}

/**
 * The model of the hub that a run or an adapter needs and that does not lie where it says, whole.
 * @throws UserError when the run or adapter is damaged
 */
export function absentBase(path: string): HubName | undefined {
  if (isRunFolder(path)) {
    const { weights, base, hub } = readRunInfo(path);
    if (weights === "model" || !hub || isWhole(base)) return undefined;
    return { repo: hub.repo, revision: hub.commit };
  }
  if (!existsSync(join(path, "adapter_config.json"))) return undefined;
  const config = readConfigJson(path, "adapter_config.json");
  const named = config.optionalString("base_model_name_or_path");
  if (named === undefined || [resolve(named), resolve(path, named)].some(isWhole)) return undefined;
  const { repo, commit } = snapshotOf(named) ?? {};
  if (repo !== undefined && commit !== undefined) return { repo, revision: commit };
  const name = parseHubName(named);
  return name && { ...name, revision: config.optionalString("revision") ?? name.revision };
}

function isWhole(folder: string): boolean {
  if (!existsSync(join(folder, "config.json"))) return false;
  return snapshotOf(folder) === undefined || missingFiles(folder, true).length === 0;
}
