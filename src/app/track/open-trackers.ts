import type { TrackerOptions } from "../../base/recipe/recipe.ts";
import { TensorBoard } from "./tensorboard/tensorboard.ts";
import type { Tracker } from "./tracker.ts";

type Makers = { readonly [Name in keyof TrackerOptions]-?: (options: NonNullable<TrackerOptions[Name]>) => Tracker };

/** One line a tracker; names are those of the recipe. */
const makers: Makers = {
  tensorboard: (options) => new TensorBoard(options),
};

/** Those that the recipe asks for, by name. */
export function openTrackers(options: TrackerOptions): Map<string, Tracker> {
  const trackers = new Map<string, Tracker>();
  const add = <Name extends keyof TrackerOptions>(name: Name): void => {
    const given = options[name];
    if (given) trackers.set(name, makers[name](given));
  };
  for (const name of Object.keys(makers) as (keyof TrackerOptions)[]) add(name);
  return trackers;
}
