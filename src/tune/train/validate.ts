/**
 * Looking at the validation set while training: the loss over its targets, packed as in training, and where there are
 * labels how well they are told apart, scored as `fettle eval` does.
 */
import type { EventSink } from "../../base/events.ts";
import { countTargets, packExamples } from "../data/pack.ts";
import { Problems } from "../data/problems.ts";
import { measureLabels } from "../evaluate/evaluate-labels.ts";
import { packLoss } from "./loss.ts";
import type { Trainee } from "./method.ts";
import { type ScoreValidationOptions, scoreValidation } from "./score-validation.ts";
import type { StepSettings } from "./step.ts";

export interface ValidatorOptions extends ScoreValidationOptions {
  readonly onEvent: EventSink;
}

/** @returns `loss`, and for a set with labels what is shown of the metrics, those that are defined */
export async function validate(options: ValidatorOptions): Promise<Readonly<Record<string, number>>> {
  const loss = await meanLoss(options);
  const { labels, shape } = options.validation.dataset;
  return labels === undefined || (shape.kind === "text" && !shape.forHead)
    ? { loss }
    : { loss, ...(await labelMetrics(options)) };
}

export interface LossOptions extends Pick<ValidatorOptions, "recipe" | "validation" | "onEvent"> {
  readonly trainee: Pick<Trainee, "model" | "objective">;
  readonly settings: Pick<StepSettings, "maxTokens" | "pooling">;
}

/** Of the targets of a set, packed as in training. */
export async function meanLoss({ recipe, trainee, validation, settings, onEvent }: LossOptions): Promise<number> {
  const { encoded } = validation;
  const { enabled, share_prompts: sharePrompts, supervised_rows_only: supervisedRowsOnly } = recipe.packing;
  const { maxTokens, pooling } = settings;
  let sum = 0;
  let targets = 0;
  const size = Math.max(recipe.training.batch_size, 64);
  for (let at = 0; at < encoded.length; at += size) {
    const end = Math.min(at + size, encoded.length);
    const examples = Array.from({ length: end - at }, (_, i) => encoded.example(at + i));
    for (const pack of packExamples(examples, { enabled, sharePrompts, maxTokens, pooling })) {
      sum += packLoss(trainee.model.decoder, pack, { supervisedRowsOnly, objective: trainee.objective });
    }
    targets += countTargets(examples);
    onEvent({ kind: "progress", task: "validate", done: end, total: encoded.length, unit: "examples" });
    await new Promise(setImmediate);
  }
  return targets === 0 ? 0 : sum / targets;
}

/** What the log and the terminal show of a set with labels, besides what the run goes by. */
const LOGGED: readonly string[] = "accuracy f1 macro_f1 micro_f1 mcc roc_auc average_precision ece".split(" ");

async function labelMetrics(options: ValidatorOptions): Promise<Record<string, number>> {
  const { onEvent } = options;
  const problems = new Problems();
  const { predictions, ...scored } = scoreValidation(options, problems);
  const measured = await measureLabels(predictions, { ...scored, onEvent });
  for (const message of problems.lines()) tell(onEvent, message);
  const wanted = options.recipe.evaluation.metric_for_best_model;
  const missing = measured[wanted]?.undefined;
  if (missing !== undefined) tell(onEvent, `${wanted} is not defined: ${missing}`);
  const shown = Object.entries(measured).filter(([name]) => name === wanted || LOGGED.includes(name));
  return Object.fromEntries(shown.flatMap(([name, { value }]) => (value === null ? [] : [[name, value]])));
}

function tell(onEvent: EventSink, message: string): void {
  onEvent({ kind: "note", level: "warning", message: `validation: ${message}` });
}
