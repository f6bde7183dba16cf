/** What the model that trains says to the validation set, scored as `fettle eval` does. */
import type { Recipe } from "../../base/recipe/recipe.ts";
import { alone, type ProcessGroup } from "../../engine/device/collective/process-group.ts";
import { ConversationEncoder } from "../data/conversation-encoder.ts";
import type { EncodeOptions } from "../data/encode-row.ts";
import type { Problems } from "../data/problems.ts";
import { plainDecision } from "../score/decision.ts";
import { labelNames, predictRows } from "../score/predict-rows.ts";
import type { Prediction } from "../score/prediction.ts";
import { dividedPredictions } from "./divided-predictions.ts";
import type { Trainee } from "./method.ts";
import type { EncodedSet } from "./run-data.ts";
import type { StepSettings } from "./step.ts";

export interface ScoreValidationOptions {
  readonly recipe: Recipe;
  readonly trainee: Trainee;
  readonly validation: EncodedSet;
  readonly encoder: ConversationEncoder;
  readonly encodeOptions: EncodeOptions;
  readonly settings: StepSettings;
  /** The processes that train together, each of which calls this; default: one alone. */
  readonly group?: ProcessGroup | undefined;
}

export interface ScoredValidation {
  readonly predictions: AsyncGenerator<Prediction>;
  readonly labels: readonly string[];
  readonly multiLabel: boolean;
  /** Of two labels. */
  readonly positive: number | undefined;
  /** Rows to come. */
  readonly total: number;
}

/** @param problems what becomes of rows that are too long */
export function scoreValidation(options: ScoreValidationOptions, problems: Problems): ScoredValidation {
  const { trainee, recipe, validation, encodeOptions, settings, group = alone } = options;
  const { dataset } = validation;
  const labels = labelNames(dataset);
  const multiLabel = recipe.problem_type === "multi_label_classification";
  // A row that has room for its own label may have none for the longest: it is left out here and told, not refused.
  const tooLong = encodeOptions.tooLong === "refuse" ? "skip" : encodeOptions.tooLong;
  const { positive_label: named } = recipe.evaluation;
  const decision = plainDecision(labels.length, multiLabel, named === null ? undefined : labels.indexOf(named));
  const classifier = {
    model: trainee.model,
    encoder: answersOnly(options.encoder),
    encodeOptions: { ...encodeOptions, tooLong } as const,
    decision,
    maxTokens: settings.maxTokens,
  };
  const predictions =
    group.size === 1
      ? predictRows(classifier, dataset, problems)
      : dividedPredictions(classifier, dataset, problems, group);
  return { predictions, labels, multiLabel, positive: decision.positive, total: dataset.length / dataset.together };
}

/** Labels are scored on the assistant's answer, also where training teaches all tokens. */
function answersOnly(encoder: ConversationEncoder): ConversationEncoder {
  if (encoder.options.lossOn === "assistant") return encoder;
  return new ConversationEncoder(encoder.template, encoder.tokenizer, { ...encoder.options, lossOn: "assistant" });
}
