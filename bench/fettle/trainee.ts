/** A model made ready to train as a job says, the way `fettle train` does. */
import type { Device } from "../../src/engine/device/device.ts";
import { createOptimizer, type Optimizer } from "../../src/engine/optim/optimizer.ts";
import type { Tensor } from "../../src/engine/tensor/tensor.ts";
import { addLora } from "../../src/model/families/lora.ts";
import { type Model, openModel } from "../../src/model/families/model.ts";
import type { EncodedExample } from "../../src/tune/data/pack.ts";
import { nextTokenObjective } from "../../src/tune/train/objective.ts";
import { optimizerStep, prepareStep, type StepSettings } from "../../src/tune/train/step.ts";
import type { TrainJob } from "../harness/jobs.ts";

export class BenchTrainee {
  readonly #model: Model;
  readonly #trainable: ReadonlyMap<string, Tensor>;
  readonly #optimizer: Optimizer;
  readonly #job: TrainJob;
  readonly #settings: StepSettings;

  constructor(device: Device, job: TrainJob) {
    const { method, rank, alpha, weightDecay: decay, maxGradNorm } = job;
    const kind = method === "full" ? "f32" : device.precision;
    this.#job = job;
    this.#model = openModel(job.model, device, { format: { kind } });
    this.#trainable =
      method === "full"
        ? this.#model.parameters.tensors
        : addLora(this.#model, { ...everywhere, r: rank, lora_alpha: alpha }, 1).parameters();
    for (const tensor of this.#trainable.values()) tensor.trainable = true;
    this.#optimizer = createOptimizer({
      kind: "adamw",
      parameters: this.#trainable,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: decay,
      decay: () => true,
      seed: 1,
    });
    this.#settings = {
      seed: 1,
      packing: { enabled: true, share_prompts: true, supervised_rows_only: true },
      maxTokens: 4096,
      recompute: { cheap: false, fullLayers: 0 },
      maxGradNorm,
    };
  }

  /** One optimizer step on a batch; its loss. */
  step(batch: readonly EncodedExample[]): number {
    const objective = nextTokenObjective(this.#model.decoder);
    const trainee = {
      model: this.#model,
      lora: undefined,
      objective,
      trainable: this.#trainable,
      [Symbol.dispose]() {},
    };
    const work = prepareStep([batch], this.#settings);
    return optimizerStep(trainee, this.#optimizer, work, this.#job.learningRate, this.#settings).loss;
  }
}

const everywhere = {
  lora_dropout: 0,
  target_modules: "all-linear",
  exclude_modules: null,
  use_rslora: false,
  rank_pattern: {},
  alpha_pattern: {},
};

/** Rows of a job, with the loss on their last tokens. */
export function examplesOf({ batches, supervised }: TrainJob): EncodedExample[][] {
  return batches.map((rows) =>
    rows.map((row) => ({
      ids: Int32Array.from(row),
      supervised: Uint8Array.from(row, (_, i) => (i >= row.length - supervised ? 1 : 0)),
    })),
  );
}
