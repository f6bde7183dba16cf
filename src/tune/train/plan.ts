/**
 * Which examples each optimizer step takes: a pure function of the seed and the step's number, so that a run resumes in
 * the middle of an epoch with nothing but that number.
 */
import { Random } from "../../base/random.ts";
import type { TrainingOptions } from "../../base/recipe/recipe.ts";
import { warmupSteps } from "../../engine/optim/schedule.ts";

export interface StepBatches {
  /** Epochs completed before this step, with the part of the running one. */
  readonly epoch: number;
  /** Indices of examples; one list per forward pass (gradient accumulation). */
  readonly batches: readonly (readonly number[])[];
}

export class Plan {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  readonly warmup: number;
  readonly #examples: number;
  readonly #training: TrainingOptions;
  readonly #seed: number;
  readonly #begins: readonly number[] | undefined;
  #order: { readonly epoch: number; readonly indices: Uint32Array } | undefined;

  /** @param begins where examples begin that stay together, the first of them 0; default: each for itself */
  constructor(examples: number, training: TrainingOptions, seed: number, begins?: readonly number[]) {
    const perStep = training.batch_size * training.gradient_accumulation_steps;
    this.stepsPerEpoch = Math.ceil(examples / perStep);
    this.totalSteps = training.max_steps ?? Math.ceil(training.num_train_epochs * this.stepsPerEpoch);
    this.warmup = warmupSteps(this.totalSteps, { steps: training.warmup_steps, ratio: training.warmup_ratio });
    this.#examples = examples;
    this.#training = training;
    this.#seed = seed;
    this.#begins = begins;
  }

  /** @param step completed optimizer steps before this one */
  at(step: number): StepBatches {
    const { batch_size: size, gradient_accumulation_steps: accumulation } = this.#training;
    const epoch = Math.floor(step / this.stepsPerEpoch);
    const order = this.#epochOrder(epoch);
    const begin = (step % this.stepsPerEpoch) * size * accumulation;
    const end = Math.min(begin + size * accumulation, this.#examples);
    const batches: number[][] = [];
    for (let at = begin; at < end; at += size) batches.push([...order.subarray(at, Math.min(at + size, end))]);
    return { epoch: step / this.stepsPerEpoch, batches };
  }

  #epochOrder(epoch: number): Uint32Array {
    if (this.#order?.epoch !== epoch) {
      const indices = this.#training.shuffle
        ? this.#shuffled(new Random(this.#seed, `order of epoch ${epoch}`))
        : Uint32Array.from({ length: this.#examples }, (_, i) => i);
      this.#order = { epoch, indices };
    }
    return this.#order.indices;
  }

  #shuffled(random: Random): Uint32Array {
    const begins = this.#begins;
    if (begins === undefined) return random.permutation(this.#examples);
    const indices = new Uint32Array(this.#examples);
    let length = 0;
    for (const unit of random.permutation(begins.length)) {
      const end = begins[unit + 1] ?? this.#examples;
      for (let i = begins[unit]!; i < end; i++) indices[length++] = i;
    }
    return indices;
  }
}
