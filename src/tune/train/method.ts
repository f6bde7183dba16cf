/** What a recipe's method trains, and over what kind of base. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { Device } from "../../engine/device/device.ts";
import type { Tensor } from "../../engine/tensor/tensor.ts";
import { addLora, type Lora, loadLora } from "../../model/families/lora.ts";
import { type Model, openModel } from "../../model/families/model.ts";
import type { WeightFormat } from "../../model/families/parameters.ts";

export interface Trainee extends Disposable {
  readonly model: Model;
  readonly lora: Lora | undefined;
  /** What the optimizer updates, by name, all f32. */
  readonly trainable: ReadonlyMap<string, Tensor>;
}

/** How the base is held on the device. */
export function weightFormat(recipe: Recipe, device: Device): WeightFormat {
  if (recipe.method === "full") return { kind: "f32" };
  if (recipe.quantization !== undefined) {
    const { block_size: blockSize, double_quant: doubleQuant } = recipe.quantization;
    return { kind: "nf4", blockSize, doubleQuant };
  }
  return { kind: device.precision };
}

/** @param base folder of the base model @param warmStart adapter or run folder that training starts from */
export function prepareTrainee(recipe: Recipe, base: string, warmStart: string | null, device: Device): Trainee {
  const format = weightFormat(recipe, device);
  const random = recipe.init === "random" ? { randomSeed: recipe.seed } : {};
  const model = openModel(base, device, { format, ...random });
  try {
    const lora = recipe.lora && putAdapter(model, recipe, warmStart);
    const trainable = lora ? lora.parameters() : model.parameters.tensors;
    for (const tensor of trainable.values()) tensor.trainable = true;
    return {
      model,
      lora,
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

/** What PEFT can vary and recipes do not. */
const plainLora = { exclude_modules: null, use_rslora: false, rank_pattern: {}, alpha_pattern: {} };

function putAdapter(model: Model, recipe: Recipe, warmStart: string | null): Lora {
  const options = { ...recipe.lora!, ...plainLora };
  if (warmStart === null) return addLora(model, options, recipe.seed);
  const inRun = join(warmStart, "adapter");
  const { lora } = loadLora(model, existsSync(inRun) ? inRun : warmStart);
  const { r, lora_alpha: alpha } = lora.config;
  if (r !== options.r || alpha !== options.lora_alpha) {
    lora[Symbol.dispose]();
    throw new UserError({
      code: "train/warm-start-differs",
      message:
        `the adapter to start from has r ${r} and lora_alpha ${alpha}, ` +
        `the recipe asks for r ${options.r} and lora_alpha ${options.lora_alpha}`,
      where: `warm_start: ${warmStart}`,
      fix: `set lora.r: ${r} and lora.lora_alpha: ${alpha}`,
    });
  }
  return lora;
}
