/** One optimizer step: the loss is summed over all packs and divided once, by the targets of the whole step. */
import { UserError } from "../../base/errors.ts";
import { hashLabel } from "../../base/random.ts";
import type { PackingOptions } from "../../base/recipe/recipe.ts";
import { clipCoefficient, globalNorm } from "../../engine/optim/clip.ts";
import type { Optimizer } from "../../engine/optim/optimizer.ts";
import { zeroGradients } from "../../engine/optim/zero-gradients.ts";
import type { Pooling } from "../../model/families/class-head.ts";
import type { RecomputePlan } from "../../model/families/decoder.ts";
import { countTargets, type EncodedExample, type Pack, packExamples } from "../data/pack.ts";
import { accumulateGradients } from "./loss.ts";
import type { Trainee } from "./method.ts";

export interface StepSettings {
  readonly seed: number;
  readonly packing: Pick<PackingOptions, "enabled" | "share_prompts" | "supervised_rows_only">;
  readonly maxTokens: number;
  /** Which tokens a class head reads. */
  readonly pooling?: Pooling | undefined;
  readonly recompute: RecomputePlan;
  readonly maxGradNorm: number;
}

export interface StepOutcome {
  /** Mean over the step's targets, by what they count. */
  readonly loss: number;
  /** Before clipping. */
  readonly gradNorm: number;
  readonly packs: readonly Pack[];
}

/** What a step computes, laid out. */
export interface StepWork {
  readonly packs: readonly Pack[];
  /** What the targets of all packs count together: without weights, supervised tokens or rows. */
  readonly targets: number;
}

/** @param batches the examples of each forward pass of the step */
export function prepareStep(
  batches: readonly (readonly EncodedExample[])[],
  { packing, maxTokens, pooling }: Pick<StepSettings, "packing" | "maxTokens" | "pooling">,
): StepWork {
  const layout = { enabled: packing.enabled, sharePrompts: packing.share_prompts, maxTokens, pooling };
  return { packs: batches.flatMap((batch) => packExamples(batch, layout)), targets: countTargets(batches.flat()) };
}

/**
 * @param meanwhile called once everything is launched and before it is waited for: the time to prepare the next step
 * @throws UserError when gradients are no longer finite; the parameters are untouched then
 */
export function optimizerStep(
  trainee: Trainee,
  optimizer: Optimizer,
  { packs, targets }: StepWork,
  learningRate: number,
  { packing, recompute, seed, maxGradNorm }: StepSettings,
  meanwhile: () => void = () => {},
): StepOutcome {
  // Rows that all count nothing teach nothing.
  const scale = targets === 0 ? 0 : 1 / targets;
  const losses = packs.map((pack, i) =>
    accumulateGradients(trainee.model.decoder, pack, scale, {
      objective: trainee.objective,
      supervisedRowsOnly: packing.supervised_rows_only,
      recompute,
      dropoutSeed: hashLabel(`dropout ${seed} ${optimizer.steps} ${i}`),
    }),
  );
  meanwhile();
  const sum = losses.reduce((total, loss) => total + loss(), 0);
  const { norm, notFinite } = globalNorm(trainee.trainable);
  if (!Number.isFinite(norm)) throw diverged(optimizer.steps + 1, notFinite);
  optimizer.step(learningRate, clipCoefficient(norm, maxGradNorm));
  zeroGradients(trainee.trainable);
  return { loss: sum * scale, gradNorm: norm, packs };
}

function diverged(step: number, parameters: readonly string[]): UserError {
  const first = parameters[0] ?? "all parameters together";
  return new UserError({
    code: "train/diverged",
    message: `training diverged: at step ${step} the gradient of ${first} is not finite`,
    fix: "lower training.learning_rate or lengthen the warm-up; --resume goes on from the last checkpoint",
  });
}
