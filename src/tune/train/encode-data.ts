/** The data of a run as tokens, and what decides it. */
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import { familyOf } from "../../model/families/index.ts";
import { classifierLabels } from "../../model/files/classifier-config.ts";
import { readConfigJson } from "../../model/files/config.ts";
import { loadChatTemplateIfAny } from "../../model/text/chat-template.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import type { ConversationEncoder } from "../data/conversation-encoder.ts";
import type { EncodeOptions } from "../data/encode-row.ts";
import { scratchIn } from "../data/store/scratch-file.ts";
import { checkVocabulary, encoderOf, loadRunData, type RunData } from "./run-data.ts";

export interface EncodedRunData {
  readonly data: RunData;
  readonly encoder: ConversationEncoder;
  readonly encodeOptions: EncodeOptions;
  /** sha256 of the chat template. */
  readonly templateHash: string | null;
}

/**
 * @param base folder of the base model
 * @param cacheFolder where rows and tokens go that are too many for memory
 * @throws UserError for anything about tokenizer or data that stands in the way
 */
export async function encodeData(
  loaded: LoadedRecipe,
  base: string,
  onEvent: EventSink,
  cacheFolder: string | undefined,
): Promise<EncodedRunData> {
  const { recipe } = loaded;
  const configJson = readConfigJson(base);
  const { maxPositions, vocabSize } = familyOf(configJson).readConfig(configJson);
  const tokenizer = loadTokenizer(base);
  const template = loadChatTemplateIfAny(base);
  const { max_length: length, too_long: tooLong, cut_field: cutField } = recipe.template;
  const encodeOptions = { maxLength: length === "auto" ? maxPositions : length, tooLong, cutField };
  const encoder = encoderOf(recipe, template, tokenizer);
  const baseLabels = recipe.task_type === "SEQ_CLS" ? classifierLabels(configJson) : undefined;
  const resources = {
    threads: recipe.threads === "auto" ? undefined : recipe.threads,
    scratch: scratchIn(cacheFolder),
  };
  const how = { ...encodeOptions, ...resources };
  const data = await loadRunData(loaded, baseLabels, encoder, how, onEvent).catch((error: unknown) => {
    throw withPlaceInRecipe(error, loaded);
  });
  for (const set of [data.train, data.validation]) if (set) checkVocabulary(set, vocabSize, base);
  return { data, encoder, encodeOptions, templateHash: template?.hash ?? null };
}

/** All of a recipe that decides its encoded data: everything but what is known to have no part in it. */
export function dataKey(recipe: Recipe, base: string): object {
  const { output, device, precision, threads, memory_budget, cache, ...ofTheModel } = recipe;
  const { method, init, warm_start, head, lora, quantization, ...ofTheData } = ofTheModel;
  const { training, packing, evaluation, checkpoints, loss, ...key } = ofTheData;
  const { focal, label_smoothing_factor, ...weights } = loss;
  return {
    ...{ ...key, base, weights, alpha: focal?.alpha ?? null },
    ...{ loss_on: training.loss_on, eval_samples: evaluation.eval_samples },
  };
}

/** Rows and recipe do not agree on how many labels a row has: the recipe's line is where to change it. */
function withPlaceInRecipe(error: unknown, { where }: LoadedRecipe): unknown {
  if (!(error instanceof UserError) || !/^data\/(no-)?label-lists$/.test(error.code)) return error;
  const { code, message, fix } = error;
  const place = where(["problem_type"]);
  return new UserError({ code, message: `${message} (${error.where})`, where: place, fix, cause: error });
}
