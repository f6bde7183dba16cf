/**
 * Looking at the validation set while training: the loss over its targets, packed as in training, and where there are
 * labels how well they are told apart, scored as `fettle eval` does.
 */
import type { EventSink } from "../../base/events.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import { ConversationEncoder } from "../data/conversation-encoder.ts";
import type { EncodeOptions } from "../data/encode.ts";
import { countTargets, packExamples } from "../data/pack.ts";
import { Problems } from "../data/problems.ts";
import { evaluateLabels } from "../evaluate/evaluate-labels.ts";
import { labelNames, predictRows } from "../score/predict-rows.ts";
import { packLoss } from "./loss.ts";
import type { Trainee } from "./method.ts";
import type { EncodedSet } from "./run-data.ts";
import type { StepSettings } from "./step.ts";

export interface ValidatorOptions {
  readonly recipe: Recipe;
  readonly trainee: Trainee;
  readonly validation: EncodedSet;
  readonly encoder: ConversationEncoder;
  readonly encodeOptions: EncodeOptions;
  readonly settings: StepSettings;
  readonly onEvent: EventSink;
}

/** @returns `loss`, and for a set with labels `accuracy` and `macro_f1` */
export async function validate(options: ValidatorOptions): Promise<Readonly<Record<string, number>>> {
  const loss = await meanLoss(options);
  const { labels, shape } = options.validation.dataset;
  return labels === undefined || (shape.kind === "text" && !shape.forHead)
    ? { loss }
    : { loss, ...(await labelMetrics(options)) };
}

async function meanLoss({ recipe, trainee, validation, settings, onEvent }: ValidatorOptions): Promise<number> {
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

async function labelMetrics(options: ValidatorOptions): Promise<{ accuracy: number; macro_f1: number }> {
  const { trainee, recipe, validation, encodeOptions, settings, onEvent } = options;
  const { dataset } = validation;
  const labels = labelNames(dataset);
  const multiLabel = recipe.problem_type === "multi_label_classification";
  // A row that has room for its own label may have none for the longest: it is left out here and told, not refused.
  const tooLong = encodeOptions.tooLong === "refuse" ? "skip" : encodeOptions.tooLong;
  const problems = new Problems();
  const classifier = {
    model: trainee.model,
    encoder: answersOnly(options.encoder),
    encodeOptions: { ...encodeOptions, tooLong } as const,
    decision: { multiLabel, thresholds: labels.map(() => 0.5), temperature: 1 },
    maxTokens: settings.maxTokens,
  };
  const total = dataset.length / dataset.together;
  const evaluated = { labels, multiLabel, total, onEvent };
  const { accuracy, macroF1 } = await evaluateLabels(predictRows(classifier, dataset, problems), evaluated);
  for (const message of problems.lines())
    onEvent({ kind: "note", level: "warning", message: `validation: ${message}` });
  return { accuracy, macro_f1: macroF1 };
}

/** Labels are scored on the assistant's answer, also where training teaches all tokens. */
function answersOnly(encoder: ConversationEncoder): ConversationEncoder {
  if (encoder.options.lossOn === "assistant") return encoder;
  return new ConversationEncoder(encoder.template, encoder.tokenizer, { ...encoder.options, lossOn: "assistant" });
}
