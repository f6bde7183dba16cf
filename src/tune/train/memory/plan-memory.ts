/**
 * Automatic choices about memory: tokens of a pack, what is computed again, how weights are held. Two of them reach the
 * numbers (packs and weights); those depend on model, data, card and budget, not on the moment.
 */
import { isDeepStrictEqual } from "node:util";
import type { Recipe } from "../../../base/recipe/recipe.ts";
import type { RehearsalTarget } from "../../../engine/open-rehearsal.ts";
import type { RecomputePlan } from "../../../model/families/decoder.ts";
import type { WeightFormat } from "../../../model/families/parameters.ts";
import type { EncodedExample } from "../../data/pack.ts";
import { withPagedStates } from "../optimizer-states.ts";
import type { Plan } from "../plan.ts";
import type { LearnedLabels } from "../run-data.ts";
import { type Foreseen, foresee, fullRecompute, keepAll, leastRecompute } from "./foresee.ts";
import { maxTokensOnHost } from "./max-tokens.ts";
import { Rehearsal } from "./rehearsal.ts";
import { type StepSample, sampleSteps } from "./step-sample.ts";
import { weightFormats } from "./weight-formats.ts";

export interface PlanInput {
  readonly recipe: Recipe;
  /** Folder with config.json. */
  readonly base: string;
  readonly target: RehearsalTarget;
  readonly plan: Plan;
  readonly example: (index: number) => EncodedExample;
  /** For a class head. */
  readonly labels?: LearnedLabels | undefined;
  /** What a run that is gone on with was made with; it stands where the recipe still leaves it open. */
  readonly before?: SettledChoices | undefined;
  /** Among which a step is divided; default 1. */
  readonly processes?: number | undefined;
}

/** The choices that reach the numbers. */
export interface SettledChoices {
  readonly maxTokens: number;
  readonly format: WeightFormat;
}

export interface MemoryPlan extends SettledChoices, Foreseen {
  /** Whether the peak stays within the budget; where nothing does, the plan is the one that takes least. */
  readonly fits: boolean;
  readonly budget: number;
  /** Layers of the model. */
  readonly layers: number;
  readonly tokensPerStep: number;
  readonly packsPerStep: number;
  /** Whether packs were sized by the card's memory. */
  readonly onCard: boolean;
  /** Where the optimizer's states lie; the recipe's own wherever that fits. */
  readonly optim: Recipe["training"]["optim"];
  /** Bytes of the host that the card uses. */
  readonly onHost: number;
}

/** Tokens of a pack on a card. Large products want 8,192 rows and gain little from more. */
const CARD_PACKS = [512, 1024, 2048, 3072, 4096, 6144, 8192, 12288, 16384] as const;
/** The rest is for what lies between the blocks of memory. */
const SHARE_OF_BUDGET = 0.96;
/** A larger pack must gain so much, and so much an embedding in host memory. */
const LEAST_GAIN = 0.005;
const LEAST_GAIN_OF_FORMAT = 0.02;

/** The fastest plan that fits, with the best format that does; states of the optimizer on the host where nothing else does. */
export function planMemory(input: PlanInput): MemoryPlan {
  const plan = bestPlan(input);
  if (plan.fits || input.target.name !== "cuda") return plan;
  const paged = bestPlan({ ...input, recipe: withPagedStates(input.recipe) });
  return paged.fits ? paged : plan;
}

function bestPlan(input: PlanInput): MemoryPlan {
  const [first, ...others] = formatsFor(input);
  let best = planFor(input, first);
  for (const format of others) {
    if (best.fits && (input.recipe.method === "full" || isIdle(format, best))) continue;
    const plan = planFor(input, format);
    const faster = plan.secondsPerStep < best.secondsPerStep * (1 - LEAST_GAIN_OF_FORMAT);
    if (plan.fits ? !best.fits || faster : !best.fits && plan.peakBytes < best.peakBytes) best = plan;
  }
  return best;
}

/** Whether leaving the embedding to the host would gain nothing. */
function isIdle({ embeddingOnHost }: WeightFormat, { recompute }: MemoryPlan): boolean {
  return embeddingOnHost === true && recompute.fullLayers === 0;
}

function formatsFor({ recipe, target, before }: PlanInput): ReturnType<typeof weightFormats> {
  const formats = weightFormats(recipe, target);
  const settled = formats.find((format) => isDeepStrictEqual(format, before?.format));
  return settled ? [settled] : formats;
}

function planFor(input: PlanInput, format: WeightFormat): MemoryPlan {
  const { recipe, base, target, plan, example, labels, before, processes = 1 } = input;
  using rehearsal = new Rehearsal(recipe, base, format, target, labels, processes);
  const { decoder, classHead } = rehearsal.trainee.model;
  const { config } = decoder;
  const { max_tokens: asked } = recipe.packing;
  const option = asked === "auto" ? (before?.maxTokens ?? asked) : asked;
  const sizes = option !== "auto" ? [option] : target.name === "cuda" ? CARD_PACKS : [maxTokensOnHost(config)];
  const limit = target.budget * SHARE_OF_BUDGET;
  let best: MemoryPlan | undefined;
  for (const maxTokens of sizes) {
    const sample = sampleSteps(plan, example, recipe, { maxTokens, pooling: classHead?.parts.pooling, processes });
    const foreseen = foresee(rehearsal, sample, recomputeFor(recipe, rehearsal, sample, limit));
    const fits = foreseen.peakBytes <= limit;
    if (best === undefined || (fits && foreseen.secondsPerStep < best.secondsPerStep * (1 - LEAST_GAIN))) {
      const { tokensPerStep, steps } = sample;
      const packsPerStep = steps.flat().length / steps.length;
      const { layers } = config;
      const onCard = target.name === "cuda";
      best = {
        ...foreseen,
        maxTokens,
        format,
        fits,
        budget: target.budget,
        layers,
        tokensPerStep,
        packsPerStep,
        onCard,
        optim: recipe.training.optim,
        onHost: rehearsal.onHost,
      };
    }
    if (!fits || isWhole(sample, recipe)) break;
  }
  return best!;
}

/** What the recipe asks for; under `auto` the least that fits, or all where nothing does. */
function recomputeFor({ training }: Recipe, rehearsal: Rehearsal, sample: StepSample, limit: number): RecomputePlan {
  if (training.recompute === "none") return keepAll;
  const full = fullRecompute(rehearsal);
  return training.recompute === "full" ? full : (leastRecompute(rehearsal, sample, limit) ?? full);
}

/** Whether every batch is one pack already, so that larger packs change nothing. */
function isWhole({ steps }: StepSample, { training, packing }: Recipe): boolean {
  return !packing.enabled || steps.every((packs) => packs.length <= training.gradient_accumulation_steps);
}
