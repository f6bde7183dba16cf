import type { TrackerOptions } from "../../base/recipe/recipe.ts";
import type { Outcome, Point, TrackedRun } from "./tracker.ts";

/** What the thread of the trackers is started with. */
export interface TrackSetup {
  readonly run: TrackedRun;
  /** The run goes on from a checkpoint. */
  readonly resumed: boolean;
  readonly options: TrackerOptions;
  readonly secrets: TrackerSecrets;
}

/** Who one is, from the environment; never told or written. */
export interface TrackerSecrets {
  readonly mlflow: Readonly<Record<"token" | "username" | "password", string | undefined>>;
}

/** To the thread. */
export type TrackMessage =
  | { readonly kind: "point"; readonly point: Point }
  | { readonly kind: "finish"; readonly outcome: Outcome; readonly deadline: number };

/** From the thread; its end is the end of the delivery. */
export interface TrackNote {
  readonly level: "info" | "warning";
  readonly message: string;
}
