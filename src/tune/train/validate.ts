/**
 * Looking at the validation set while training: the loss over its targets, packed as in training, and where there are
 * labels how well they are told apart, scored as `fettle eval` does.
 */
import type { EventSink, RunEvent } from "../../base/events.ts";
import { alone } from "../../engine/device/collective/process-group.ts";
import { countTargets, packExamples } from "../data/pack.ts";
import { Problems } from "../data/problems.ts";
import { measureLabels } from "../evaluate/evaluate-labels.ts";
import { Samples } from "../evaluate/samples.ts";
import type { Prediction } from "../score/prediction.ts";
import { packLoss } from "./loss.ts";
import type { Trainee } from "./method.ts";
import { type ScoreValidationOptions, scoreValidation } from "./score-validation.ts";
import type { StepSettings } from "./step.ts";

export interface ValidatorOptions extends ScoreValidationOptions {
  readonly onEvent: EventSink;
}

/** What an `evaluation` event says. */
export type Validation = Omit<Extract<RunEvent, { readonly kind: "evaluation" }>, "kind" | "step">;

/** @returns `loss`, and for a set with labels what is shown of the metrics, those that are defined, of labels and of rows */
export async function validate(options: ValidatorOptions): Promise<Validation> {
  const loss = await meanLoss(options);
  const { labels, shape } = options.validation.dataset;
  if (labels === undefined || (shape.kind === "text" && !shape.forHead)) return { metrics: { loss } };
  const { metrics, ...rows } = await labelMetrics(options);
  return { metrics: { loss, ...metrics }, ...rows };
}

export interface LossOptions extends Pick<ValidatorOptions, "recipe" | "validation" | "group" | "onEvent"> {
  readonly trainee: Pick<Trainee, "model" | "objective">;
  readonly settings: Pick<StepSettings, "maxTokens" | "pooling">;
}

/** What a process found out about a batch of the set. */
interface BatchLosses {
  /** Of its packs, in order. */
  readonly losses: readonly number[];
  readonly targets: number;
}

/** Of the targets of a set, packed as in training; several processes take batches in turn, and come to the same bits. */
export async function meanLoss({
  recipe,
  trainee,
  validation,
  settings,
  group = alone,
  onEvent,
}: LossOptions): Promise<number> {
  const { encoded } = validation;
  const { enabled, share_prompts: sharePrompts, supervised_rows_only: supervisedRowsOnly } = recipe.packing;
  const { maxTokens, pooling } = settings;
  const own: BatchLosses[] = [];
  const size = Math.max(recipe.training.batch_size, 64);
  for (let at = group.rank * size; at < encoded.length; at += size * group.size) {
    const end = Math.min(at + size, encoded.length);
    const examples = Array.from({ length: end - at }, (_, i) => encoded.example(at + i));
    const packs = packExamples(examples, { enabled, sharePrompts, maxTokens, pooling });
    const options = { supervisedRowsOnly, objective: trainee.objective };
    own.push({
      losses: packs.map((pack) => packLoss(trainee.model.decoder, pack, options)),
      targets: countTargets(examples),
    });
    onEvent({ kind: "progress", task: "validate", done: end, total: encoded.length, unit: "examples" });
    await new Promise(setImmediate);
  }
  const batches = inTurns(group.gather(own));
  const sum = batches.flatMap(({ losses }) => losses).reduce((total, loss) => total + loss, 0);
  const targets = batches.reduce((total, batch) => total + batch.targets, 0);
  return targets === 0 ? 0 : sum / targets;
}

/** What was dealt out in turns, in its order. */
function inTurns<T>(dealt: readonly (readonly T[])[]): T[] {
  const rounds = Math.max(...dealt.map(({ length }) => length));
  return Array.from({ length: rounds }, (_, round) => dealt.flatMap((own) => own.slice(round, round + 1))).flat();
}

/** What the log and the terminal show of a set with labels, besides what the run goes by. */
const LOGGED: readonly string[] = "accuracy f1 macro_f1 micro_f1 mcc roc_auc average_precision ece".split(" ");

async function labelMetrics(options: ValidatorOptions): Promise<Validation> {
  const { onEvent } = options;
  const problems = new Problems();
  const { predictions, ...scored } = scoreValidation(options, problems);
  const samples = new Samples(scored.labels, scored.total);
  const onPrediction = (prediction: Prediction): void => samples.add(prediction);
  const { metrics: measured, standings } = await measureLabels(predictions, { ...scored, onEvent, onPrediction });
  for (const message of problems.lines()) tell(onEvent, message);
  const wanted = options.recipe.evaluation.metric_for_best_model;
  const missing = measured[wanted]?.undefined;
  if (missing !== undefined) tell(onEvent, `${wanted} is not defined: ${missing}`);
  const shown = Object.entries(measured).filter(([name]) => name === wanted || LOGGED.includes(name));
  const metrics = Object.fromEntries(shown.flatMap(([name, { value }]) => (value === null ? [] : [[name, value]])));
  return { metrics, labels: standings, samples: samples.list() };
}

function tell(onEvent: EventSink, message: string): void {
  onEvent({ kind: "note", level: "warning", message: `validation: ${message}` });
}
