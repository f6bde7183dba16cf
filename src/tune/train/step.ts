/** One optimizer step: the loss is summed over all packs and divided once, by the targets of the whole step. */
import { UserError } from "../../base/errors.ts";
import { hashLabel } from "../../base/random.ts";
import type { PackingOptions } from "../../base/recipe/recipe.ts";
import { clipCoefficient, globalNorm } from "../../engine/optim/clip.ts";
import type { Optimizer } from "../../engine/optim/optimizer.ts";
import { zeroGradients } from "../../engine/optim/zero-gradients.ts";
import type { RecomputePlan } from "../../model/families/decoder.ts";
import { countTargets, type EncodedExample, type Pack, packExamples } from "../data/pack.ts";
import { accumulateGradients } from "./loss.ts";
import type { Trainee } from "./method.ts";

export interface StepSettings {
  readonly seed: number;
  readonly packing: Pick<PackingOptions, "enabled" | "share_prompts" | "supervised_rows_only">;
  readonly maxTokens: number;
  readonly recompute: RecomputePlan;
  readonly maxGradNorm: number;
}

export interface StepOutcome {
  /** Mean cross-entropy over the step's targets. */
  readonly loss: number;
  /** Before clipping. */
  readonly gradNorm: number;
  readonly packs: readonly Pack[];
}

/**
 * @param batches the examples of each forward pass of the step
 * @throws UserError when gradients are no longer finite; the parameters are untouched then
 */
export function optimizerStep(
  trainee: Trainee,
  optimizer: Optimizer,
  batches: readonly (readonly EncodedExample[])[],
  learningRate: number,
  settings: StepSettings,
): StepOutcome {
  const { packing, maxTokens, recompute, seed } = settings;
  const layout = { enabled: packing.enabled, sharePrompts: packing.share_prompts, maxTokens };
  const packs = batches.flatMap((batch) => packExamples(batch, layout));
  const targets = countTargets(batches.flat());
  let sum = 0;
  packs.forEach((pack, i) => {
    sum += accumulateGradients(trainee.model.decoder, pack, 1 / targets, {
      supervisedRowsOnly: packing.supervised_rows_only,
      recompute,
      dropoutSeed: hashLabel(`dropout ${seed} ${optimizer.steps} ${i}`),
    });
  });
  const { norm, notFinite } = globalNorm(trainee.trainable);
  if (!Number.isFinite(norm)) throw diverged(optimizer.steps + 1, notFinite);
  optimizer.step(learningRate, clipCoefficient(norm, settings.maxGradNorm));
  zeroGradients(trainee.trainable);
  return { loss: sum / targets, gradNorm: norm, packs };
}

function diverged(step: number, parameters: readonly string[]): UserError {
  const first = parameters[0] ?? "all parameters together";
  return new UserError({
    code: "train/diverged",
    message: `training diverged: at step ${step} the gradient of ${first} is not finite`,
    fix: "lower training.learning_rate or lengthen the warm-up; --resume goes on from the last checkpoint",
  });
}
