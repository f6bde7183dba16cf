/** The data of a run: read, split, encoded, and identified by a hash of what the model will see. */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { LoadedRecipe } from "../../base/recipe/load.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { ChatTemplate } from "../../model/text/chat-template.ts";
import type { Tokenizer } from "../../model/text/tokenizer.ts";
import { ConversationEncoder } from "../data/conversation-encoder.ts";
import type { Dataset } from "../data/dataset.ts";
import { type EncodeResources, encodeDataset } from "../data/encode.ts";
import type { EncodeOptions } from "../data/encode-row.ts";
import type { EncodedDataset } from "../data/encoded-dataset.ts";
import { describeLengths, type Lengths } from "../data/stats/lengths.ts";
import { type LabelWeights, labelWeightsOf, weigher } from "./label-weights.ts";
import { loadSets, type RunSets } from "./load-sets.ts";

export interface EncodedSet {
  readonly dataset: Dataset;
  readonly encoded: EncodedDataset;
}

export interface RunData extends Pick<RunSets, "preparation" | "splits"> {
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
  encodeOptions: EncodeOptions & EncodeResources,
  onEvent: EventSink,
): Promise<RunData> {
  const { train, validation, preparation, splits } = await loadSets(loaded, baseLabels, encodeOptions, onEvent);
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
    preparation,
    splits,
  };
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
  /** Tokens an example; not in runs of older versions. */
  readonly lengths?: Lengths;
}

export function countSet({ dataset, encoded }: EncodedSet): SetCounts {
  let { skipped } = dataset;
  let cut = 0;
  for (const problem of encoded.problems) {
    skipped += problem.skipped ? problem.count : 0;
    cut += problem.skipped ? 0 : problem.count;
  }
  const { length: rows, tokens, supervisedTokens } = encoded;
  return { rows, skipped, cut, tokens, supervisedTokens, lengths: describeLengths(encoded.lengths().sort()) };
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
  if (encoded.highestId < vocabSize) return;
  throw new UserError({
    code: "train/vocabulary",
    message: `the tokenizer gives token ${encoded.highestId}, the model has a vocabulary of ${vocabSize}`,
    where,
    fix: "tokenizer.json and the weights are of different models: download the checkpoint again",
  });
}
