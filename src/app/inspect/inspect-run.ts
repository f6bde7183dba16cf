import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import type { Ledger } from "../../base/events.ts";
import { listCheckpoints } from "../../tune/train/checkpoint.ts";
import { hashWeights } from "../../tune/train/hash-weights.ts";
import { readRunInfo } from "../../tune/train/run-folder.ts";
import { readEvaluations } from "../api/evaluation-file.ts";
import { readRunHistory } from "../report/run-history.ts";
import { type ClassifierFacts, classifierFacts } from "./decision-facts.ts";

export interface RunInspection extends ClassifierFacts {
  readonly kind: "run";
  readonly path: string;
  readonly status: string;
  readonly method: string;
  readonly base: string;
  /** Where the base is from; null for a folder. */
  readonly hub: { readonly repo: string; readonly commit: string } | null;
  readonly steps: number;
  readonly totalSteps: number;
  readonly seconds: number;
  readonly peakMemoryBytes: number;
  readonly trainableParameters: number;
  /** Folder of the result; null until there is one. */
  readonly weights: string | null;
  /** Of the safetensors of the result, computed now; null until there is one. */
  readonly sha256: string | null;
  /** The same as the run wrote it down. */
  readonly weightsSha256: string | null;
  readonly lastLoss: number | null;
  readonly lastValidationLoss: number | null;
  readonly evaluation: { readonly rows: number; readonly accuracy: number; readonly macroF1: number } | null;
  readonly checkpoints: readonly string[];
  readonly ledger: Ledger | null;
  readonly fettle: string;
  readonly problems: readonly string[];
}

/** A run folder. @throws UserError when its files are damaged */
export async function inspectRun(path: string): Promise<RunInspection> {
  const info = readRunInfo(path);
  const history = existsSync(join(path, "metrics.jsonl")) ? await readRunHistory(path) : undefined;
  const weights = join(path, info.weights);
  const sha256 = existsSync(weights) ? await hashWeights(weights) : null;
  const problems: string[] = [];
  if (info.weightsSha256 !== null && sha256 !== info.weightsSha256) {
    problems.push(`the weights in ${info.weights} are not those that the run wrote`);
  }
  if (!existsSync(info.base)) {
    const fetched = info.hub ? "; it is fetched again when it is needed" : "";
    problems.push(`the base model is no longer at ${info.base}${fetched}`);
  }
  if (info.status === "failed") problems.push("the run failed; --resume goes on from its last checkpoint");
  const evaluation = readEvaluations(path)?.tuned;
  return {
    kind: "run",
    path,
    status: info.status,
    method: info.method,
    base: info.base,
    hub: info.hub ?? null,
    ...classifierFacts(weights),
    labels: info.labels,
    steps: info.steps,
    totalSteps: info.totalSteps,
    seconds: info.seconds,
    peakMemoryBytes: info.peakMemoryBytes,
    trainableParameters: info.trainableParameters,
    weights: sha256 === null ? null : weights,
    sha256,
    weightsSha256: info.weightsSha256,
    lastLoss: history?.training.at(-1)?.loss ?? null,
    lastValidationLoss: history?.validation.at(-1)?.loss ?? null,
    evaluation: evaluation
      ? { rows: evaluation.rows, accuracy: evaluation.accuracy, macroF1: evaluation.macroF1 }
      : null,
    checkpoints: listCheckpoints(join(path, "checkpoints")).map((checkpoint) => basename(checkpoint)),
    ledger: info.ledger,
    fettle: info.fettle,
    problems,
  };
}
