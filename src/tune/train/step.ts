/** One optimizer step: the loss is summed over all packs and divided once, by the targets of the whole step. */
import { UserError } from "../../base/errors.ts";
import { hashLabel } from "../../base/random.ts";
import type { PackingOptions } from "../../base/recipe/recipe.ts";
import { noCollective } from "../../engine/device/collective/collective.ts";
import { alone } from "../../engine/device/collective/process-group.ts";
import { clipCoefficient } from "../../engine/optim/clip.ts";
import { type GradientReduction, gradientReduction } from "../../engine/optim/gradient-reduction.ts";
import type { Optimizer } from "../../engine/optim/optimizer.ts";
import { zeroGradients } from "../../engine/optim/zero-gradients.ts";
import type { Pooling } from "../../model/families/class-head.ts";
import type { RecomputePlan } from "../../model/families/decoder.ts";
import { countTargets, type EncodedExample, type Pack, packExamples } from "../data/pack.ts";
import { accumulateGradients } from "./loss.ts";
import type { Trainee } from "./method.ts";
import { type Share, shareOfStep } from "./share-step.ts";

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
}

/** What a process computes of a step, laid out. */
export interface StepWork {
  /** Of this process. */
  readonly examples: readonly EncodedExample[];
  readonly packs: readonly Pack[];
  /** What the targets of the whole step count together: without weights, supervised tokens or rows. */
  readonly targets: number;
}

/**
 * @param batches the examples of each forward pass of the step
 * @param share of which a process computes its own; default: all
 */
export function prepareStep(
  batches: readonly (readonly EncodedExample[])[],
  { packing, maxTokens, pooling }: Pick<StepSettings, "packing" | "maxTokens" | "pooling">,
  share: Share = { rank: 0, size: 1 },
): StepWork {
  const layout = { enabled: packing.enabled, sharePrompts: packing.share_prompts, maxTokens, pooling };
  const batchSize = Math.max(...batches.map((batch) => batch.length));
  const own = shareOfStep(batches, share, { ...layout, batchSize });
  return {
    examples: own.flat(),
    packs: own.flatMap((batch) => packExamples(batch, layout)),
    targets: countTargets(batches.flat()),
  };
}

/**
 * @param reduction of the processes that take part, each with its own work of the step; default: one alone
 * @param meanwhile called once everything is launched and before it is waited for: the time to prepare the next step
 * @throws UserError when gradients are no longer finite; the parameters are untouched then
 */
export function optimizerStep(
  trainee: Trainee,
  optimizer: Optimizer,
  { packs, targets }: StepWork,
  learningRate: number,
  { packing, recompute, seed, maxGradNorm }: StepSettings,
  reduction: GradientReduction = gradientReduction(trainee.trainable, noCollective(alone)),
  meanwhile: () => void = () => {},
): StepOutcome {
  const { collective, onLayerUndone } = reduction;
  const { group } = collective;
  // Rows that all count nothing teach nothing.
  const scale = targets === 0 ? 0 : 1 / targets;
  // Each process draws masks of its own.
  const drawn = group.rank === 0 ? "" : ` of rank ${group.rank}`;
  const losses: (() => number)[] = [];
  const passes = reduction.passes(packs.length);
  for (let i = 0; i < passes; i++) {
    const pack = packs[i];
    const options = {
      objective: trainee.objective,
      supervisedRowsOnly: packing.supervised_rows_only,
      recompute,
      dropoutSeed: hashLabel(`dropout ${seed} ${optimizer.steps} ${i}${drawn}`),
      onLayerUndone,
    };
    if (pack !== undefined) losses.push(accumulateGradients(trainee.model.decoder, pack, scale, options));
    reduction.endPass();
  }
  reduction.endStep();
  meanwhile();
  collective.wait();
  const own = losses.reduce((total, loss) => total + loss(), 0);
  const sum = group.gather(own).reduce((total, loss) => total + loss, 0);
  const { norm, notFinite } = reduction.norm();
  if (!Number.isFinite(norm)) throw diverged(optimizer.steps + 1, notFinite);
  optimizer.step(learningRate, clipCoefficient(norm, maxGradNorm));
  zeroGradients(trainee.trainable);
  return { loss: sum * scale, gradNorm: norm };
}

function diverged(step: number, parameters: readonly string[]): UserError {
  const first = parameters[0] ?? "all parameters together";
  return new UserError({
    code: "train/diverged",
    message: `training diverged: at step ${step} the gradient of ${first} is not finite`,
    fix: "lower training.learning_rate or lengthen the warm-up; --resume goes on from the last checkpoint",
  });
}
