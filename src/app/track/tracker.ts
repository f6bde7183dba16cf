/** What a tracker is: someone who is told of a run while it trains. */
import type { JsonObject } from "../../model/files/json-file.ts";

/** Numbers of one moment, by the names that trackers show: `train/loss`, `eval/macro_f1`. */
export interface Point {
  readonly kind: "step" | "evaluation" | "system";
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly values: Readonly<Record<string, number>>;
}

export interface TrackedRun {
  /** Of the run folder, absolute. */
  readonly folder: string;
  readonly name: string;
  /** The recipe's options and the automatic choices, by dotted names. */
  readonly config: Facts;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Of the first point. */
  readonly firstStep: number;
}

export type Facts = Readonly<Record<string, string | number | boolean | null>>;

export interface Outcome {
  readonly status: "finished" | "stopped early" | "interrupted" | "failed";
  /** From run.json. */
  readonly facts: Facts;
}

/** A kind of tracker, and the run that it is told of. All may throw: `Refusal`, or whatever may pass. */
export interface Tracker {
  /** For people: `MLflow`. */
  readonly title: string;
  /** Whether steps of which it has been told may be told again when a run goes on from before them. */
  readonly takesBack: boolean;
  /**
   * Begins, or goes on with, the tracked run; asked again after a failure.
   * @param kept what an earlier process got from this for the same run folder
   */
  readonly open: (run: TrackedRun, kept: JsonObject | undefined) => Promise<Opened>;
  /** In order. After a failure it is given the same points again, perhaps with more. */
  readonly write: (points: readonly Point[]) => Promise<void>;
  readonly close: (outcome: Outcome) => Promise<void>;
}

export interface Opened {
  /** What leads to the same tracked run, for the run folder; no secrets. */
  readonly kept: JsonObject;
  /** Where to look. */
  readonly where: string;
}

/** The tracker will never take it: asking again is of no use. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}
