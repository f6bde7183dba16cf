import type { Recipe } from "../../base/recipe/recipe.ts";
import { decays } from "../../engine/optim/decay-groups.ts";
import { createOptimizer, type Optimizer } from "../../engine/optim/optimizer.ts";
import type { Trainee } from "./method.ts";
import { optimizerStates } from "./optimizer-states.ts";

/** The optimizer that a recipe asks for. */
export function optimizerOf(recipe: Recipe, { trainable }: Trainee): Optimizer {
  const { training } = recipe;
  return createOptimizer({
    ...optimizerStates[training.optim],
    parameters: trainable,
    betas: [training.adam_beta1, training.adam_beta2],
    eps: training.adam_epsilon,
    weightDecay: training.weight_decay,
    decay: decays,
    seed: recipe.seed,
  });
}
