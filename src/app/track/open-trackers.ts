import type { TrackerOptions } from "../../base/recipe/recipe.ts";
import { Mlflow } from "./mlflow.ts";
import { TensorBoard } from "./tensorboard/tensorboard.ts";
import type { TrackerSecrets } from "./track-message.ts";
import type { Tracker } from "./tracker.ts";
import { WandbOffline } from "./wandb/wandb-offline.ts";

type Maker = (options: TrackerOptions, secrets: TrackerSecrets) => Tracker | undefined;

/** One line a tracker; names are those of the recipe. */
const makers: Readonly<Record<keyof TrackerOptions, Maker>> = {
  tensorboard: ({ tensorboard }) => tensorboard && new TensorBoard(tensorboard),
  mlflow: ({ mlflow }, secrets) => mlflow && new Mlflow(mlflow, secrets),
  wandb: ({ wandb }) => wandb && new WandbOffline(wandb),
};

/** Those that the recipe asks for, by name. */
export function openTrackers(options: TrackerOptions, secrets: TrackerSecrets): Map<string, Tracker> {
  const trackers = new Map<string, Tracker>();
  for (const [name, make] of Object.entries(makers)) {
    const tracker = make(options, secrets);
    if (tracker) trackers.set(name, tracker);
  }
  return trackers;
}
