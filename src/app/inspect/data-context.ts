/** What data is looked at for: a recipe, a run, a model, or nothing yet. */
import { existsSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import type { EventSink } from "../../base/events.ts";
import { pathList } from "../../base/recipe/combinations.ts";
import { type LoadedRecipe, loadRecipe, parseRecipe } from "../../base/recipe/load.ts";
import type { DataOptions, Recipe } from "../../base/recipe/recipe.ts";
import { familyOf } from "../../model/families/index.ts";
import { classifierLabels } from "../../model/files/classifier-config.ts";
import { readConfigJson } from "../../model/files/config.ts";
import { loadChatTemplateIfAny } from "../../model/text/chat-template.ts";
import { loadTokenizer } from "../../model/text/tokenizer.ts";
import type { ConversationEncoder } from "../../tune/data/conversation-encoder.ts";
import type { EncodeOptions } from "../../tune/data/encode-row.ts";
import { findParts } from "../../tune/train/artefact-parts.ts";
import { findBase } from "../../tune/train/base-model.ts";
import { readClassifier } from "../../tune/train/classifier-file.ts";
import { findData } from "../../tune/train/find-data.ts";
import type { Choose } from "../../tune/train/fit-recipe.ts";
import { maxTokensOnHost } from "../../tune/train/memory/max-tokens.ts";
import { encoderOf } from "../../tune/train/run-data.ts";
import { isRunFolder } from "../../tune/train/run-folder.ts";
import { dataPaths } from "../api/data-paths.ts";
import { folderOf } from "../api/pull.ts";
import { runEnvironment } from "../environment.ts";

export interface ContextOptions {
  /** Recipe that says how a data file is read and what for. */
  readonly recipe?: string | undefined;
  /** Run, adapter or model whose tokenizer and template are taken. */
  readonly model?: string | undefined;
  /** `a.b=c` overrides of the recipe. */
  readonly set?: readonly string[] | undefined;
  readonly format?: DataOptions["format"] | undefined;
  readonly columns?: DataOptions["columns"] | undefined;
}

export interface DataContext {
  readonly recipe: Recipe;
  /** The sets that are files of their own. */
  readonly sets: readonly { readonly name: string; readonly files: readonly string[] }[];
  /** The recipe that is looked at; undefined where it is a file. */
  readonly training: Training | undefined;
  /** Whether a recipe was given, so that rows are read exactly as training would. */
  readonly stated: boolean;
  /** Undefined where no model is known. */
  readonly tokens: TokenContext | undefined;
}

export interface Training {
  readonly loaded: LoadedRecipe;
  /** Of a base that is a classifier itself. */
  readonly baseLabels: readonly string[] | undefined;
}

export interface TokenContext {
  readonly encoder: ConversationEncoder;
  readonly encodeOptions: EncodeOptions;
  /** Most tokens of a pack. */
  readonly maxTokens: number;
}

/**
 * @param target a data file, or a recipe with its sets
 * @throws UserErrors for a faulty recipe; UserError for a model that is not there
 */
export async function openDataContext(
  target: string,
  options: ContextOptions,
  onEvent: EventSink,
): Promise<DataContext> {
  const { set = [] } = options;
  if ([".yaml", ".yml"].includes(extname(target))) {
    const written = loadRecipe(target, { set });
    const loaded = await findData(written, runEnvironment(), tellingChoices(onEvent), onEvent);
    const { tokens, labels } = await tokensOf(loaded, onEvent);
    const { recipe } = loaded;
    const baseLabels = recipe.task_type === "SEQ_CLS" ? labels : undefined;
    return { recipe, sets: setsOf(recipe), training: { loaded, baseLabels }, stated: true, tokens };
  }
  const loaded = await loadedFor(options, set);
  const { recipe } = loaded;
  const data = {
    ...recipe.data,
    format: options.format === undefined || options.format === "auto" ? recipe.data.format : options.format,
    columns: { ...recipe.data.columns, ...options.columns },
  };
  const known = options.recipe !== undefined || options.model !== undefined;
  return {
    recipe: { ...recipe, data },
    sets: [{ name: "data", files: await dataPaths([target], undefined, onEvent) }],
    training: undefined,
    stated: options.recipe !== undefined,
    tokens: known ? (await tokensOf(loaded, onEvent)).tokens : undefined,
  };
}

async function loadedFor({ recipe, model }: ContextOptions, set: readonly string[]): Promise<LoadedRecipe> {
  const options = { set, purpose: "evaluate" } as const;
  if (recipe !== undefined) return loadRecipe(recipe, options);
  if (model === undefined) return parseRecipe(JSON.stringify({ base: "." }), resolve("recipe"), options);
  const folder = await folderOf(model, { weights: false });
  const inRun = join(folder, "recipe.yaml");
  if (isRunFolder(folder) && existsSync(inRun)) return loadRecipe(inRun, options);
  const { modelFolder, adapterFolder } = findParts(folder, undefined);
  const { task_type, problem_type, template, columns } = readClassifier(adapterFolder ?? modelFolder) ?? {};
  const known = task_type && { task_type, problem_type, template, data: { columns } };
  return parseRecipe(JSON.stringify({ base: resolve(modelFolder), ...known }), resolve("recipe"), options);
}

function setsOf({ data }: Recipe): DataContext["sets"] {
  const sets = (["train", "validation", "test"] as const).map((name) => ({ name, files: pathList(data[name]) }));
  return sets.filter(({ files }) => files.length > 0);
}

/** What reads the rows, and the labels of a base that is a classifier. */
async function tokensOf(
  loaded: LoadedRecipe,
  onEvent: EventSink,
): Promise<{ readonly tokens: TokenContext; readonly labels: readonly string[] | undefined }> {
  const { recipe } = loaded;
  const { folder } = await findBase(loaded, runEnvironment(), undefined, "later", onEvent);
  const json = readConfigJson(folder);
  const config = familyOf(json).readConfig(json);
  const { max_length: length, too_long: tooLong, cut_field: cutField } = recipe.template;
  const { max_tokens: asked } = recipe.packing;
  return {
    tokens: {
      encoder: encoderOf(recipe, loadChatTemplateIfAny(folder), loadTokenizer(folder)),
      encodeOptions: { maxLength: length === "auto" ? config.maxPositions : length, tooLong, cutField },
      maxTokens: asked === "auto" ? maxTokensOnHost(config) : asked,
    },
    labels: classifierLabels(json),
  };
}

function tellingChoices(onEvent: EventSink): Choose {
  return (path, value, reason) => onEvent({ kind: "choice", name: path.join("."), value: String(value), reason });
}
