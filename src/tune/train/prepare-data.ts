/** What a run needs of recipe, tokenizer and data: all that can be known without the model's weights. */
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { Choice } from "../../base/recipe/resolved.ts";
import { familyOf } from "../../model/families/index.ts";
import { classifierLabels } from "../../model/files/classifier-config.ts";
import { readConfigJson } from "../../model/files/config.ts";
import { loadChatTemplateIfAny } from "../../model/text/chat-template.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import type { ConversationEncoder } from "../data/conversation-encoder.ts";
import type { EncodeOptions } from "../data/encode.ts";
import { Plan } from "./plan.ts";
import { checkVocabulary, type EncodedSet, encoderOf, loadRunData, type RunData } from "./run-data.ts";

export interface PreparedData {
  readonly data: RunData;
  readonly encoder: ConversationEncoder;
  readonly encodeOptions: EncodeOptions;
  readonly plan: Plan;
  /** sha256 of the chat template. */
  readonly templateHash: string | null;
}

/** Tells a choice that was made for the user, and keeps it for the run's recipe. */
export type Choose = (path: Choice["path"], value: unknown, reason: string) => void;

/**
 * @param base folder of the base model
 * @throws UserError for anything about recipe, tokenizer or data that stands in the way
 */
export async function prepareData(
  loaded: LoadedRecipe,
  base: string,
  choose: Choose,
  onEvent: EventSink,
): Promise<PreparedData> {
  const { recipe } = loaded;
  const configJson = readConfigJson(base);
  const config = familyOf(configJson).readConfig(configJson);
  const tokenizer = loadTokenizer(base);
  const template = loadChatTemplateIfAny(base);
  const { max_length: length, too_long: tooLong, cut_field: cutField } = recipe.template;
  refuseLongRows(loaded, config.maxPositions);
  if (length === "auto") choose(["template", "max_length"], config.maxPositions, "config.json");
  const encodeOptions = { maxLength: length === "auto" ? config.maxPositions : length, tooLong, cutField };
  const encoder = encoderOf(recipe, template, tokenizer);
  const baseLabels = recipe.task_type === "SEQ_CLS" ? classifierLabels(configJson) : undefined;
  const data = await loadRunData(loaded, baseLabels, encoder, encodeOptions, onEvent).catch((error: unknown) => {
    throw withPlaceInRecipe(error, loaded);
  });
  for (const set of [data.train, data.validation]) if (set) checkVocabulary(set, config.vocabSize, base);
  refuseMissingMetric(loaded, data);
  const plan = new Plan(data.train.encoded.length, recipe.training, recipe.seed, beginsOf(data.train));
  return { data, encoder, encodeOptions, plan, templateHash: template?.hash ?? null };
}

/** Questions about the same text share it where they meet in a batch. */
function beginsOf({ dataset: { together }, encoded }: EncodedSet): readonly number[] | undefined {
  if (together === 1) return undefined;
  const textOf = (example: number): number => Math.floor(encoded.row(example) / together);
  return Array.from({ length: encoded.length }, (_, i) => i).filter((i) => i === 0 || textOf(i) !== textOf(i - 1));
}

function refuseLongRows({ recipe, where }: LoadedRecipe, maxPositions: number): void {
  const length = recipe.template.max_length;
  if (length === "auto" || length <= maxPositions) return;
  throw new UserError({
    code: "train/max-length",
    message: `max_length is ${length}, the model has ${maxPositions} positions (max_position_embeddings)`,
    where: where(["template", "max_length"]),
    fix: `take auto, or at most ${maxPositions}`,
  });
}

/** Rows and recipe do not agree on how many labels a row has: the recipe's line is where to change it. */
function withPlaceInRecipe(error: unknown, { where }: LoadedRecipe): unknown {
  if (!(error instanceof UserError) || !/^data\/(no-)?label-lists$/.test(error.code)) return error;
  const { code, message, fix } = error;
  const place = where(["problem_type"]);
  return new UserError({ code, message: `${message} (${error.where})`, where: place, fix, cause: error });
}

function refuseMissingMetric({ recipe, where }: LoadedRecipe, { validation }: RunData): void {
  const metric = recipe.evaluation.metric_for_best_model;
  if (validation === undefined || metric === "loss" || validation.dataset.labels !== undefined) return;
  throw new UserError({
    code: "train/no-metric",
    message: `${metric} cannot be measured: the validation set has no labels`,
    where: where(["evaluation", "metric_for_best_model"]),
    fix: "take loss, or name the label's field in data.columns",
  });
}
