/** What a recipe's method trains, and over what kind of base. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { Device } from "../../engine/device/device.ts";
import { isTensor } from "../../engine/ops/linear/group.ts";
import type { Tensor } from "../../engine/tensor/tensor.ts";
import { addLora, type Lora, type LoraConfig, loadLora, selectLayers } from "../../model/families/lora.ts";
import { type ClassHeadOptions, type Model, openModel } from "../../model/families/model.ts";
import { makeTrainable, type WeightFormat } from "../../model/families/parameters.ts";
import { readClassifier } from "./classifier-file.ts";
import { weightFormats } from "./memory/weight-formats.ts";
import { classObjective, labelSetObjective, nextTokenObjective, type Objective } from "./objective.ts";
import type { LearnedLabels } from "./run-data.ts";

export interface Trainee extends Disposable {
  readonly model: Model;
  readonly lora: Lora | undefined;
  /** What is minimised. */
  readonly objective: Objective;
  /** What the optimizer updates, by name. */
  readonly trainable: ReadonlyMap<string, Tensor>;
}

/** `openModel`, or what does the same where a model may be in memory already. */
export type OpenModel = typeof openModel;

/**
 * @param base folder of the base model
 * @param warmStart adapter or run folder that training starts from
 * @param format how the base is held; by default as is best for the numbers
 * @param labels for a class head
 * @param open for a base that may be in memory already
 */
export function prepareTrainee(
  recipe: Recipe,
  base: string,
  warmStart: string | null,
  device: Device,
  format: WeightFormat = weightFormats(recipe, device)[0],
  labels?: LearnedLabels,
  open: OpenModel = openModel,
): Trainee {
  const random = recipe.init === "random" ? { randomSeed: recipe.seed } : {};
  const classHead = classHeadOf(recipe, labels);
  return makeTrainee(open(base, device, { format, classHead, ...random }), recipe, warmStart, labels);
}

/** The class head that a recipe asks for. */
export function classHeadOf({ head, seed }: Recipe, labels: LearnedLabels | undefined): ClassHeadOptions | undefined {
  if (head === undefined) return undefined;
  const dense = head.dense === null ? [] : [head.dense].flat();
  return { config: { ...head, dense, labels: labels!.names.length }, seed };
}

/** Puts on an opened model what the recipe trains; the result owns the model. */
export function makeTrainee(model: Model, recipe: Recipe, warmStart: string | null, labels?: LearnedLabels): Trainee {
  try {
    if (warmStart !== null && model.classHead) refuseOtherLabels(warmStart, labels);
    const lora = recipe.lora && putAdapter(model, recipe, warmStart);
    const beside = model.classHead?.parameters ?? new Map<string, Tensor>();
    const trainable = lora ? new Map([...lora.parameters(), ...beside]) : model.parameters.tensors;
    makeTrainable(trainable);
    if (lora && model.parameters.format.transposedToo) keepTransposed(model);
    return {
      model,
      lora,
      objective: objectiveOf(recipe, model, labels),
      trainable,
      [Symbol.dispose]() {
        lora?.[Symbol.dispose]();
        model[Symbol.dispose]();
      },
    };
  } catch (error) {
    model[Symbol.dispose]();
    throw error;
  }
}

/** For training over a frozen base: its linear weights are kept transposed beside, for products on the way back. */
function keepTransposed({ decoder, parameters }: Model): void {
  for (const layer of decoder.linears.values()) {
    const { weight } = layer;
    if (isTensor(weight)) layer.weight = parameters.withTransposed({ shape: weight.shape, held: weight });
    else if ("held" in weight && weight.transposed === undefined) layer.weight = parameters.withTransposed(weight);
  }
}

function objectiveOf({ loss, problem_type }: Recipe, model: Model, labels: LearnedLabels | undefined): Objective {
  const focus = { gamma: loss.focal?.gamma ?? 0, smoothing: loss.label_smoothing_factor };
  if (model.classHead === undefined) return nextTokenObjective(model.decoder, focus);
  const weights = labels!.weights;
  return problem_type === "multi_label_classification"
    ? labelSetObjective(model.classHead, weights, focus)
    : classObjective(model.classHead, weights.classWeights, focus);
}

function differenceOf({ config, modules }: Lora, wanted: LoraConfig, layers: readonly string[]): string | undefined {
  for (const key of ["r", "lora_alpha", "use_rslora", "use_dora", "rank_pattern", "alpha_pattern", "bias"] as const) {
    const [held, asked] = [JSON.stringify(config[key]), JSON.stringify(wanted[key])];
    if (held !== asked) return `${key} is ${held}, not ${asked}`;
  }
  const missing = layers.find((name) => !modules.includes(name));
  if (missing !== undefined) return `target_modules: it has nothing on ${missing}`;
  const extra = modules.find((name) => !layers.includes(name));
  return extra === undefined ? undefined : `target_modules: it is on ${extra} too`;
}

/** Folder of the adapter in a run, or of an adapter itself. */
function adapterFolder(warmStart: string): string {
  const inRun = join(warmStart, "adapter");
  return existsSync(inRun) ? inRun : warmStart;
}

/** The scores of a class head have an order, which the file beside it tells. */
function refuseOtherLabels(warmStart: string, labels: LearnedLabels | undefined): void {
  const before = readClassifier(adapterFolder(warmStart))?.labels;
  if (before === undefined || before.join("\n") === labels?.names.join("\n")) return;
  throw new UserError({
    code: "train/warm-start-differs",
    message: `the class head to start from is for the labels ${before.join(", ")}, in this order`,
    where: `warm_start: ${warmStart}`,
    fix: "list them in data.labels as they stand here",
  });
}

function putAdapter(model: Model, recipe: Recipe, warmStart: string | null): Lora {
  const options = recipe.lora!;
  if (warmStart === null) return addLora(model, options, recipe.seed);
  const { lora } = loadLora(model, adapterFolder(warmStart), options.lora_dropout);
  const difference = differenceOf(lora, options, selectLayers(model, options));
  if (difference === undefined) return lora;
  lora[Symbol.dispose]();
  throw new UserError({
    code: "train/warm-start-differs",
    message: `the adapter to start from is not what the recipe asks for: ${difference}`,
    where: `warm_start: ${warmStart}`,
    fix: "set the recipe's lora section to what the adapter has",
  });
}
