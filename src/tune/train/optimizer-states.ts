/** transformers' names for AdamW, as far as they differ in how and where its states are kept. */
import type { Recipe } from "../../base/recipe/recipe.ts";
import type { Device } from "../../engine/device/device.ts";
import type { OptimizerOptions } from "../../engine/optim/optimizer.ts";

type OptimName = Recipe["training"]["optim"];

export const optimizerStates: Readonly<Record<OptimName, Required<Pick<OptimizerOptions, "kind" | "paged">>>> = {
  adamw: { kind: "adamw", paged: false },
  adamw_8bit: { kind: "adamw_8bit", paged: false },
  paged_adamw_32bit: { kind: "adamw", paged: true },
  paged_adamw_8bit: { kind: "adamw_8bit", paged: true },
};

/** The same recipe with the optimizer's states in host memory: it gives the same numbers. */
export function withPagedStates(recipe: Recipe): Recipe {
  const { kind } = optimizerStates[recipe.training.optim];
  const optim = kind === "adamw" ? "paged_adamw_32bit" : "paged_adamw_8bit";
  return { ...recipe, training: { ...recipe.training, optim } };
}

/** What to tell where a recipe asks for paged states of a device that has no memory apart from the host's. */
export function pagingNote({ training }: Recipe, { name, allocateOnHost }: Device): string | undefined {
  const { kind, paged } = optimizerStates[training.optim];
  if (!paged || allocateOnHost !== undefined) return undefined;
  return `training.optim ${training.optim} is ${kind} on device ${name}, whose memory is the host's`;
}
