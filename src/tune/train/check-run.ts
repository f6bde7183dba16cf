/** What a run would take, from headers and data alone: no weights are read, and the card need not be here. */
import type { UserError } from "../../base/errors.ts";
import type { EventSink, Forecast } from "../../base/events.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import { openDevice } from "../../engine/open-device.ts";
import type { RehearsalTarget } from "../../engine/open-rehearsal.ts";
import { chosenCommit, findBase, type RunEnvironment } from "./base-model.ts";
import { findData } from "./find-data.ts";
import type { Choose } from "./fit-recipe.ts";
import { forecastOf, tellMemoryPlan } from "./memory/forecast.ts";
import { planMemory } from "./memory/plan-memory.ts";
import { refusalOf } from "./memory/refusal.ts";
import { targetOf, targetOfCard } from "./memory/target.ts";
import { deviceOptions } from "./plan-run.ts";
import { prepareData } from "./prepare-data.ts";
import { countSet, type SetCounts } from "./run-data.ts";

export interface CheckedRun {
  readonly forecast: Forecast;
  readonly data: { readonly train: SetCounts; readonly validation: SetCounts | null };
  /** Where it does not fit: why it is refused, and what would. */
  readonly refusal: UserError | undefined;
}

export interface CheckedPlace {
  /** A card to plan for in place of this machine's device: its name, or its GiB. */
  readonly card?: string | undefined;
  /** Among which each step is divided, each on a card of its own; default 1. */
  readonly processes?: number | undefined;
}

/**
 * @throws UserError for anything about recipe, tokenizer or data that stands in the way
 */
export async function checkRun(
  loaded: LoadedRecipe,
  environment: RunEnvironment,
  { card, processes = 1 }: CheckedPlace,
  onEvent: EventSink,
): Promise<CheckedRun> {
  const { recipe } = loaded;
  const choose: Choose = (path, value, reason) =>
    onEvent({ kind: "choice", name: path.join("."), value: String(value), reason });
  const base = await findBase(loaded, environment, undefined, "later", onEvent);
  const commit = chosenCommit(base);
  if (commit) choose(["base"], commit.value, commit.reason);
  const target = card === undefined ? await targetHere(recipe, environment, choose) : targetOfCard(card, recipe);
  const found = await findData(loaded, environment, choose, onEvent);
  const { data, plan } = await prepareData(found, base.folder, choose, onEvent, deviceOptions(recipe, environment));
  const example = data.train.encoded.example.bind(data.train.encoded);
  const input = { recipe, base: base.folder, target, plan, example, labels: data.labels, processes };
  const memory = planMemory(input);
  tellMemoryPlan(recipe, memory, choose);
  return {
    forecast: forecastOf(recipe, memory, target, plan.totalSteps, processes),
    data: { train: countSet(data.train), validation: data.validation ? countSet(data.validation) : null },
    refusal: memory.fits ? undefined : refusalOf(input, memory),
  };
}

/** The device that `fettle train` would take. */
async function targetHere(recipe: Recipe, environment: RunEnvironment, choose: Choose): Promise<RehearsalTarget> {
  const { device, reason } = await openDevice(deviceOptions(recipe, environment));
  try {
    if (recipe.device === "auto") choose(["device"], device.name, reason);
    return targetOf(device, recipe);
  } finally {
    device.close();
  }
}
