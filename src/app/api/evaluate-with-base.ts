import { existsSync } from "node:fs";
import { UserError } from "../../base/errors.ts";
import { isClassifier } from "../../model/files/classifier-config.ts";
import { readRunInfo } from "../../tune/train/run-folder.ts";
import { type AnyEvaluation, type EvaluateAnyOptions, evaluateAny } from "./evaluate-any.ts";
import { type LoadedModel, type LoadModelOptions, loadModel } from "./load-model.ts";

export interface ComparedEvaluations {
  /** The model that training started from, on the same rows, read in the same way. */
  readonly base: AnyEvaluation;
  readonly tuned: AnyEvaluation;
}

/**
 * Scores a run or an adapter, of which rows are told, and then its base. Only one of them is in memory at a time.
 * @throws UserError as `loadModel` and `evaluateAny`, and for a model that was not tuned here
 */
export async function evaluateWithBase(
  path: string,
  load: LoadModelOptions,
  options: EvaluateAnyOptions,
): Promise<ComparedEvaluations> {
  const { tuned, folder, reading, labels } = await scoreTuned(path, load, options);
  // The recipe's labels may map what files say to names; the run's names are for where it has none.
  const data = { ...reading.data, labels: reading.data.labels ?? labels ?? null };
  using model = await loadModel(folder, { ...load, base: undefined, reading: { ...reading, data } });
  return { tuned, base: await evaluateAny(model, { ...options, onRow: undefined, onAnswer: undefined }) };
}

interface ScoredTuned {
  readonly tuned: AnyEvaluation;
  readonly folder: string;
  readonly reading: LoadedModel["reading"];
  readonly labels: readonly string[] | undefined;
}

async function scoreTuned(path: string, load: LoadModelOptions, options: EvaluateAnyOptions): Promise<ScoredTuned> {
  using model = await loadModel(path, load);
  const folder = load.base ?? baseOf(model);
  const tuned = await evaluateAny(model, options);
  return { tuned, folder, reading: model.reading, labels: model.artefact.labels };
}

/** The model that training started from: its folder, or its name on the hub where the folder is gone. */
function baseOf({ artefact }: LoadedModel): string {
  const { lora, model, answers, path } = artefact;
  if (answers.head !== undefined && !(lora && isClassifier(model.configJson))) {
    throw new UserError({
      code: "evaluate/no-head",
      message: "the base has no class head: before training there was nothing that could have answered",
      where: path,
      fix: "leave --compare out",
    });
  }
  if (artefact.lora !== undefined) return artefact.model.folder;
  if (artefact.kind === "run") {
    const { base, hub } = readRunInfo(artefact.path);
    return hub && !existsSync(base) ? `${hub.repo}@${hub.commit}` : base;
  }
  throw new UserError({
    code: "evaluate/no-base",
    message: "this is a model, not a run or an adapter: there is no base to compare it with",
    where: artefact.path,
    fix: "leave --compare out",
  });
}
