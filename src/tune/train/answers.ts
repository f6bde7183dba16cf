/** How a saved model answers, found out from its files before it is opened. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TemplateOptions } from "../../base/recipe/recipe.ts";
import { recipeSchema } from "../../base/recipe/schema.ts";
import type { ClassHeadConfig } from "../../model/families/class-head.ts";
import { classHeadSizes } from "../../model/families/class-head-adapter.ts";
import type { EncoderTraits } from "../../model/families/encoder-traits.ts";
import { familyOf } from "../../model/families/index.ts";
import { classifierLabels } from "../../model/files/classifier-config.ts";
import { readConfigJson } from "../../model/files/config.ts";
import { openSafetensors } from "../../model/files/safetensors.ts";
import { openWeights } from "../../model/files/weights.ts";
import { DEFAULT_THRESHOLD, type Decision, plainDecision } from "../score/decision.ts";
import { type ClassifierFile, readClassifier } from "./classifier-file.ts";

/** Where the parts of an artefact are. */
interface Folders {
  readonly modelFolder: string;
  readonly adapterFolder: string | undefined;
}

export interface Answers {
  /** Undefined where the model answers in its own words. */
  readonly head: ClassHeadConfig | undefined;
  /** In the order of the head's outputs; undefined where they are not known. */
  readonly labels: readonly string[] | undefined;
  readonly multiLabel: boolean;
  /** What Fettle wrote beside the weights. */
  readonly file: ClassifierFile | undefined;
}

/** Of an adapter or model by Fettle, PEFT or transformers. */
export function answersOf({ modelFolder, adapterFolder }: Folders): Answers {
  const file = readClassifier(adapterFolder ?? modelFolder);
  const config = readConfigJson(modelFolder);
  const { encoder } = familyOf(config).readConfig(config);
  const sizes = headSizes({ modelFolder, adapterFolder }, encoder);
  const problem = file?.problem_type ?? config.optionalString("problem_type");
  const multiLabel = problem === "multi_label_classification";
  if (sizes === undefined) return { head: undefined, labels: file?.labels, multiLabel, file };
  const named = file?.labels ?? classifierLabels(config);
  const labels = named?.length === sizes.labels ? named : Array.from({ length: sizes.labels }, (_, i) => `LABEL_${i}`);
  const { activation, dropout } = file?.head ?? { activation: "gelu", dropout: 0 };
  return { head: { ...sizes, activation, dropout }, labels, multiLabel, file };
}

/**
 * How probabilities and labels are made of what the model says about labels in this order.
 * @param positive name of the positive one of two labels, in place of the file's
 */
export function decisionOf(
  { multiLabel, file }: Pick<Answers, "multiLabel" | "file">,
  labels: readonly string[],
  positive?: string | null,
): Decision {
  const named = labels.indexOf(positive ?? file?.positive_label ?? "");
  const plain = plainDecision(labels.length, multiLabel, named === -1 ? undefined : named);
  const threshold = plain.positive === undefined ? undefined : file?.thresholds?.[labels[plain.positive]!];
  return {
    ...plain,
    temperature: file?.temperature ?? 1,
    thresholds: labels.map((name) => file?.thresholds?.[name] ?? DEFAULT_THRESHOLD),
    threshold,
    costs: multiLabel || !file?.costs ? undefined : costsOf(file.labels, file.costs, labels),
  };
}

/** In another order of the labels; of labels that the file does not know a mistake costs 1. */
function costsOf(
  known: readonly string[],
  costs: readonly (readonly number[])[],
  labels: readonly string[],
): readonly (readonly number[])[] {
  const places = labels.map((name) => known.indexOf(name));
  return places.map((truth, i) => places.map((given, j) => costs[truth]?.[given] ?? (i === j ? 0 : 1)));
}

/** How rows become texts, where nobody says: as in training, or a classifier's text as it is. */
export function templateOf({ file, head }: Answers, base: string): TemplateOptions {
  const task = head && { task_type: "SEQ_CLS" };
  return file?.template ?? recipeSchema.parse({ base, ...task }).template;
}

/** The adapter's head counts; the model's own is looked for where it has none. */
function headSizes(
  { modelFolder, adapterFolder }: Folders,
  encoder: EncoderTraits | undefined,
): ReturnType<typeof classHeadSizes> {
  const path = join(adapterFolder ?? "", "adapter_model.safetensors");
  if (adapterFolder !== undefined && existsSync(path)) {
    using file = openSafetensors(path);
    const sizes = classHeadSizes(file.tensors, encoder?.classHead);
    if (sizes) return sizes;
  }
  if (adapterFolder !== undefined && encoder === undefined) return undefined;
  using weights = openWeights(modelFolder, encoder?.nameOf);
  return classHeadSizes(
    weights.names().map((name) => [name, weights.info(name)] as const),
    encoder?.classHead,
  );
}
