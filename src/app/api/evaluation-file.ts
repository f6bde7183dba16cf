/** `evaluation.json` of a run folder: what the last `fettle eval` of the run found, for its page. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../model/files/atomic.ts";
import { parseJsonObject, readTextFile } from "../../model/files/json-file.ts";
import type { EvaluationResult } from "./evaluate.ts";
import type { AnswersResult } from "./evaluate-answers.ts";

/**
 * The schema of the file. Of rows with labels there is `tuned`, an `EvaluationResult`: `accuracy`, `macroF1` and such with
 * intervals, `perClass`, `confusion`, `mistakes`; under `metrics` every metric by its name, `{value, interval?}` or
 * `{value: null, undefined: reason}`; under `curves` points for drawing. Of rows with answers in words there is `answers`, an
 * `AnswersResult`: `metrics` by name, `worst` rows. `base` is the same of the model before training.
 */
export interface Evaluations {
  /** The files that were scored. */
  readonly data: readonly string[];
  /** The base model on the same rows, where it was scored too. */
  readonly base?: EvaluationResult;
  /** Of rows with labels. */
  readonly tuned?: EvaluationResult;
  /** Of rows with answers in words. */
  readonly answers?: { readonly base?: AnswersResult; readonly tuned: AnswersResult };
}

const FILE = "evaluation.json";
const MAX_BYTES = 2 ** 28;

/** @throws UserError when the disk is full or read-only */
export function writeEvaluations(runFolder: string, evaluations: Evaluations): void {
  writeFileAtomic(join(runFolder, FILE), `${JSON.stringify(evaluations)}\n`);
}

/** Undefined when the run was never evaluated. @throws UserError when the file is damaged */
export function readEvaluations(runFolder: string): Evaluations | undefined {
  const path = join(runFolder, FILE);
  if (!existsSync(path)) return undefined;
  return parseJsonObject(readTextFile(path, MAX_BYTES), path) as unknown as Evaluations;
}
