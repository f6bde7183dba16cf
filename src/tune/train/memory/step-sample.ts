/** Packs of some steps, spread over an epoch, to foresee what all of them will take. */
import type { Recipe } from "../../../base/recipe/recipe.ts";
import type { Pooling } from "../../../model/families/class-head.ts";
import { type EncodedExample, type Pack, packExamples } from "../../data/pack.ts";
import type { Plan } from "../plan.ts";
import { shareOfStep } from "../share-step.ts";

export interface StepSample {
  /** Of each sampled step. */
  readonly steps: readonly (readonly Pack[])[];
  /** As large as a pack of the run may be. */
  readonly heaviest: Pack;
  /** Examples of an average step, and tokens that go through the model. */
  readonly examplesPerStep: number;
  readonly tokensPerStep: number;
}

/** Steps looked at, and how much heavier the heaviest of all may be. */
const STEPS = 128;
const HEAVIER = 1.03;

export interface SampleOptions {
  readonly maxTokens: number;
  readonly pooling?: Pooling | undefined;
  /** Among which a step is divided: packs are those of the first. */
  readonly processes: number;
}

export function sampleSteps(
  plan: Plan,
  example: (index: number) => EncodedExample,
  { packing, training }: Recipe,
  { maxTokens, pooling, processes }: SampleOptions,
): StepSample {
  const count = Math.min(STEPS, plan.stepsPerEpoch);
  const layout = { enabled: packing.enabled, sharePrompts: packing.share_prompts, maxTokens, pooling };
  const steps = Array.from({ length: count }, (_, i) => {
    const { batches } = plan.at(Math.floor((i * plan.stepsPerEpoch) / count));
    const examples = batches.map((batch) => batch.map(example));
    const share = { rank: 0, size: processes };
    const own = shareOfStep(examples, share, { ...layout, batchSize: training.batch_size });
    return own.flatMap((batch) => packExamples(batch, layout));
  });
  const packs = steps.flat();
  const total = (of: (pack: Pack) => number): number => packs.reduce((sum, pack) => sum + of(pack), 0);
  return {
    steps,
    heaviest: heaviestOf(packs, steps.some((step) => step.length > 1) ? maxTokens : 0),
    examplesPerStep: total((pack) => pack.examples) / count,
    tokensPerStep: total((pack) => pack.tokens.length) / count,
  };
}

/**
 * A pack of the most tokens and the most supervised rows of all, and of at least `atLeast` tokens, which is what packs
 * are filled up to where a step has several; memory depends on nothing else.
 */
function heaviestOf(packs: readonly Pack[], atLeast: number): Pack {
  const most = (of: (pack: Pack) => number): number => packs.reduce((largest, pack) => Math.max(largest, of(pack)), 1);
  const seen = most(({ tokens }) => tokens.length);
  const tokens = Math.max(Math.ceil(seen * HEAVIER), atLeast);
  const rows = Math.min(tokens, Math.ceil((most((pack) => pack.rows.length) * tokens) / seen));
  const means = packs.some(({ begins }) => begins !== undefined);
  const examples = means ? Math.min(tokens, Math.ceil((most((pack) => pack.examples) * tokens) / seen)) : rows;
  const longest = most(({ positions }) => positions.reduce((last, position) => Math.max(last, position), 0));
  return {
    tokens: new Int32Array(tokens),
    positions: Int32Array.from({ length: tokens }, (_, i) => i % (longest + 1)),
    expiry: new Int32Array(tokens).fill(tokens),
    rows: Int32Array.from({ length: rows }, (_, i) => i),
    targets: new Int32Array(examples),
    weights: new Float32Array(examples),
    labels: Array.from({ length: examples }, () => []),
    ...(means && {
      begins: Int32Array.from({ length: examples + 1 }, (_, i) => Math.floor((i * tokens) / examples)),
    }),
    examples: 1,
  };
}
