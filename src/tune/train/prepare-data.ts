/** What a run needs of recipe, tokenizer and data: all that can be known without the model's weights. */
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import { familyOf } from "../../model/families/index.ts";
import { readConfigJson } from "../../model/files/config.ts";
import { loadChatTemplateIfAny } from "../../model/text/chat-template.ts";
import { isOf } from "../evaluate/measure.ts";
import { metricNamed } from "../evaluate/metrics.ts";
import { checkDecision } from "./check-decision.ts";
import { dataKey, type EncodedRunData, encodeData } from "./encode-data.ts";
import { type Choose, fitRecipe, tellOfBase } from "./fit-recipe.ts";
import { Plan } from "./plan.ts";
import type { EncodedSet, RunData } from "./run-data.ts";
import { type ScanSettings, scanSettingsOf } from "./scan-settings.ts";
import type { SharedParts } from "./shared-parts.ts";

export interface PreparedData extends EncodedRunData {
  readonly plan: Plan;
  /** What the classifier is to scan; null: the recipe says nothing of it. */
  readonly scan: ScanSettings | null;
}

/**
 * @param base folder of the base model
 * @param parts where data that is encoded already may be; without it, it is encoded anew
 * @param cacheFolder where rows and tokens go that are too many for memory
 * @throws UserError for anything about recipe, tokenizer or data that stands in the way
 */
export async function prepareData(
  loaded: LoadedRecipe,
  base: string,
  choose: Choose,
  onEvent: EventSink,
  { parts, cacheFolder }: { readonly parts?: SharedParts; readonly cacheFolder?: string | undefined } = {},
): Promise<PreparedData> {
  const { recipe } = loaded;
  const configJson = readConfigJson(base);
  const config = familyOf(configJson).readConfig(configJson);
  const { maxPositions } = config;
  fitRecipe(loaded, config, choose);
  tellOfBase(loaded, configJson, loadChatTemplateIfAny(base), onEvent);
  refuseLongRows(loaded, maxPositions);
  if (recipe.template.max_length === "auto") choose(["template", "max_length"], maxPositions, "config.json");
  const encode = (sink: EventSink): Promise<EncodedRunData> => encodeData(loaded, base, sink, cacheFolder);
  const encoded = await (parts ? parts.data(dataKey(recipe, base), onEvent, encode) : encode(onEvent));
  const { data } = encoded;
  refuseMissingMetric(loaded, data);
  const multiLabel = recipe.problem_type === "multi_label_classification";
  checkDecision(recipe.evaluation, data.labels?.names, multiLabel, loaded.where);
  const plan = new Plan(data.train.encoded.length, recipe.training, recipe.seed, beginsOf(data.train));
  const scan = scanSettingsOf(loaded, data.labels?.names, choose);
  return { ...encoded, plan, scan };
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

function refuseMissingMetric({ recipe, where }: LoadedRecipe, { validation }: RunData): void {
  const metric = recipe.evaluation.metric_for_best_model;
  if (validation === undefined || metric === "loss") return;
  const { dataset } = validation;
  const names = (dataset.asked ?? dataset.labels)?.names;
  const place = where(["evaluation", "metric_for_best_model"]);
  if (names === undefined) {
    throw new UserError({
      code: "train/no-metric",
      message: `${metric} cannot be measured: the validation set has no labels`,
      where: place,
      fix: "take loss, or name the label's field in data.columns",
    });
  }
  const multiLabel = recipe.problem_type === "multi_label_classification";
  if (isOf(metricNamed(metric), { labels: names.length, multiLabel })) return;
  throw new UserError({
    code: "train/no-metric",
    message: `there is no ${metric} of ${names.length} labels, ${multiLabel ? "several" : "one"} a row`,
    where: place,
    fix: "take another, such as macro_f1",
  });
}
