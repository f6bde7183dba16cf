/** What the server tells the page. Types alone, so that both sides can use them. */
import type { LabelStanding, Ledger, Sample, Taken } from "../../base/events.ts";

export interface RunSummary {
  /** Path below the folder that is shown, with `/`. */
  readonly id: string;
  /** `killed`: nothing writes it any more, and it did not say why. */
  readonly status: "running" | "finished" | "stopped early" | "interrupted" | "failed" | "killed" | "unreadable";
  readonly method: string;
  readonly base: string;
  readonly step: number;
  readonly totalSteps: number;
  /** Of training, up to the last thing said. */
  readonly seconds: number;
  readonly loss: number | null;
  /** Of the last evaluation. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Milliseconds since 1970 at which something was last written. */
  readonly changed: number;
  /** Whether it runs in a process of the server's machine, which can be told to stop. */
  readonly here: boolean;
  readonly problem: string | null;
}

/** Everything about one run that is not a curve. */
export interface RunDetail {
  readonly summary: RunSummary;
  readonly trainableParameters: number | null;
  readonly ledger: Ledger | null;
  readonly predicted: Taken | null;
  readonly measured: Taken | null;
  /** Rows to learn from, and of the validation set. */
  readonly rows: { readonly train: number; readonly validation: number | null } | null;
  readonly choices: readonly { readonly name: string; readonly value: string; readonly reason: string }[];
  readonly warnings: readonly string[];
  readonly standings: Readonly<Record<string, LabelStanding>> | null;
  readonly samples: { readonly step: number; readonly rows: readonly Sample[] } | null;
  readonly checkpoints: readonly { readonly step: number; readonly written: number }[];
  readonly recipe: string;
  /** What a run that was gone on with from here said last; empty where none was. */
  readonly resumeLog: string;
}

export interface Points {
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

export type CurveSet = Readonly<Record<string, Points>>;

/** Curves by name; those of `system` are by seconds of training, the others by step. */
export type Curves = Readonly<Record<"training" | "validation" | "labels" | "system", CurveSet>>;

/** One of the server-sent events: names of runs. */
export interface Changes {
  readonly changed: readonly string[];
  readonly gone: readonly string[];
}
