/** The data of a run: read, split, encoded, and identified by a hash of what the model will see. */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { Random } from "../../base/random.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { Paths, Recipe } from "../../base/recipe/recipe.ts";
import type { ChatTemplate } from "../../model/text/chat-template.ts";
import type { Tokenizer } from "../../model/text/tokenizer.ts";
import { ConversationEncoder } from "../data/conversation-encoder.ts";
import type { Dataset } from "../data/dataset.ts";
import { type EncodeOptions, encodeDataset } from "../data/encode.ts";
import type { EncodedDataset } from "../data/encoded-dataset.ts";
import { Labels } from "../data/labels.ts";
import { loadDataset } from "../data/load-dataset.ts";
import { stratifiedSplit } from "../data/split.ts";
import { taskOf } from "../data/task.ts";
import { type LabelWeights, labelWeightsOf, weigher } from "./label-weights.ts";

export interface EncodedSet {
  readonly dataset: Dataset;
  readonly encoded: EncodedDataset;
}

export interface RunData {
  readonly train: EncodedSet;
  readonly validation: EncodedSet | undefined;
  /** Of a classification. */
  readonly labels: LearnedLabels | undefined;
}

export interface LearnedLabels {
  readonly names: readonly string[];
  readonly weights: LabelWeights;
}

/**
 * @param baseLabels the labels of a base that is a classifier itself
 * @throws UserError for data that cannot be read or taught
 */
export async function loadRunData(
  loaded: LoadedRecipe,
  baseLabels: readonly string[] | undefined,
  encoder: ConversationEncoder,
  encodeOptions: EncodeOptions,
  onEvent: EventSink,
): Promise<RunData> {
  const { data, template, evaluation, seed } = loaded.recipe;
  const options = { data, template, task: taskOf(loaded.recipe) };
  const declared = data.labels && Labels.declared(data.labels);
  // The scores of a base that is a classifier have their order already.
  const known =
    baseLabels && (declared ?? Labels.declared(baseLabels)).inOrder(baseLabels, loaded.where(["data", "labels"]));
  let train = await loadDataset(pathsOf(data.train!), { ...options, labels: known, name: "train" }, onEvent);
  let validation: Dataset | undefined;
  if (data.validation !== null && typeof data.validation === "object" && "fraction" in data.validation) {
    ({ rest: train, part: validation } = stratifiedSplit(train, data.validation.fraction, seed, "validation"));
    if (validation.length === 0) {
      throw new UserError({
        code: "data/no-validation",
        message: `a fraction of ${data.validation.fraction} of ${train.length} rows is none`,
        where: "data.validation",
        fix: "take a larger fraction, or name a file",
      });
    }
  } else if (data.validation !== null) {
    const labels = { labels: train.asked ?? train.labels };
    validation = await loadDataset(pathsOf(data.validation), { ...options, ...labels, name: "validation" }, onEvent);
  }
  if (validation && evaluation.eval_samples !== null) {
    validation = sampleOf(validation, evaluation.eval_samples, new Random(seed, "eval_samples"));
  }
  const weights = labelWeightsOf(loaded, train);
  const encode = async (dataset: Dataset): Promise<EncodedSet> => {
    const weigh = weigher(weights, dataset);
    const set = { dataset, encoded: await encodeDataset(dataset, encoder, encodeOptions, onEvent, weigh) };
    const { rows, skipped, cut, tokens, supervisedTokens } = countSet(set);
    const message = `${dataset.name}: ${rows} rows (${skipped} skipped, ${cut} cut), ${tokens} tokens, ${supervisedTokens} learnt`;
    onEvent({ kind: "note", level: "info", message });
    return set;
  };
  const names = (train.asked ?? train.labels)?.names;
  return {
    train: await encode(train),
    validation: validation && (await encode(validation)),
    labels: names && weights && { names, weights },
  };
}

/** At most `count` rows, questions about the same text together, in their order. */
function sampleOf(dataset: Dataset, count: number, random: Random): Dataset {
  const { together, length } = dataset;
  if (count >= length / together) return dataset;
  const drawn = random
    .permutation(length / together)
    .slice(0, count)
    .sort();
  const rows = [...drawn].flatMap((row) => Array.from({ length: together }, (_, i) => row * together + i));
  return dataset.subset("validation", rows, "rest");
}

/** What became of the rows of a set, and how large it is. */
export interface SetCounts {
  /** Rows that are used. */
  readonly rows: number;
  /** Rows that could not be, with the reasons told while reading. */
  readonly skipped: number;
  /** Rows whose document was cut to fit. */
  readonly cut: number;
  readonly tokens: number;
  readonly supervisedTokens: number;
}

export function countSet({ dataset, encoded }: EncodedSet): SetCounts {
  let { skipped } = dataset;
  let cut = 0;
  for (const problem of encoded.problems) {
    skipped += problem.skipped ? problem.count : 0;
    cut += problem.skipped ? 0 : problem.count;
  }
  const { length: rows, tokens, supervisedTokens } = encoded;
  return { rows, skipped, cut, tokens, supervisedTokens };
}

/** The encoder that a recipe asks for. */
export function encoderOf(
  recipe: Recipe,
  template: ChatTemplate | undefined,
  tokenizer: Tokenizer,
): ConversationEncoder {
  return new ConversationEncoder(template, tokenizer, {
    kwargs: recipe.template.chat_template_kwargs as ConversationEncoder["options"]["kwargs"],
    lossOn: recipe.training.loss_on,
  });
}

/** sha256 of every example's tokens, of which are targets, and of labels and weights where there are any. */
export function hashExamples({ encoded }: EncodedSet): string {
  const hash = createHash("sha256");
  for (let i = 0; i < encoded.length; i++) {
    const { ids, supervised, ...beside } = encoded.example(i);
    hash.update(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength));
    hash.update(supervised);
    if (Object.keys(beside).length > 0) hash.update(JSON.stringify(beside));
  }
  return hash.digest("hex");
}

/** @throws UserError when a token is outside the model's vocabulary: tokenizer and weights are of different models */
export function checkVocabulary({ encoded }: EncodedSet, vocabSize: number, where: string): void {
  for (let i = 0; i < encoded.length; i++) {
    for (const id of encoded.example(i).ids) {
      if (id < vocabSize) continue;
      throw new UserError({
        code: "train/vocabulary",
        message: `the tokenizer gives token ${id}, the model has a vocabulary of ${vocabSize}`,
        where,
        fix: "tokenizer.json and the weights are of different models: download the checkpoint again",
      });
    }
  }
}

export function pathsOf(paths: Paths): readonly string[] {
  return typeof paths === "string" ? [paths] : paths;
}
