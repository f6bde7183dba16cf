import type { Recipe } from "../../base/recipe/recipe.ts";
import type { Collective } from "../../engine/device/collective/collective.ts";
import { decays } from "../../engine/optim/decay-groups.ts";
import { type GradientReduction, gradientReduction } from "../../engine/optim/gradient-reduction.ts";
import { GroupOptimizer } from "../../engine/optim/group-optimizer.ts";
import { createOptimizer, type Optimizer, type OptimizerOptions } from "../../engine/optim/optimizer.ts";
import { shardParameters } from "../../engine/optim/shards.ts";
import type { Trainee } from "./method.ts";
import { optimizerStates } from "./optimizer-states.ts";

/** The optimizer that a recipe asks for. */
export function optimizerOf(recipe: Recipe, { trainable }: Pick<Trainee, "trainable">): Optimizer {
  return createOptimizer(optionsOf(recipe, trainable));
}

export interface Updating {
  readonly optimizer: Optimizer;
  readonly reduction: GradientReduction;
}

/** The same for the processes of a group, with how their gradients come together. */
export function updatingOf(
  recipe: Recipe,
  { trainable }: Pick<Trainee, "trainable">,
  collective: Collective,
): Updating {
  const { zero_stage: stage } = recipe.training;
  if (collective.group.size === 1) {
    return { optimizer: optimizerOf(recipe, { trainable }), reduction: gradientReduction(trainable, collective) };
  }
  const shards = stage === 0 ? undefined : shardParameters(trainable, collective);
  return {
    optimizer: new GroupOptimizer(optionsOf(recipe, trainable), collective, shards),
    reduction: gradientReduction(trainable, collective, stage, shards),
  };
}

function optionsOf({ training, seed }: Recipe, parameters: Trainee["trainable"]): OptimizerOptions {
  return {
    ...optimizerStates[training.optim],
    parameters,
    betas: [training.adam_beta1, training.adam_beta2],
    eps: training.adam_epsilon,
    weightDecay: training.weight_decay,
    decay: decays,
    seed,
  };
}
