/**
 * What a run will take, found by going through a step on a device that computes nothing: the code is that of the step
 * itself, so every tensor is counted where and as long as it lives. Needs config.json alone, and no GPU.
 */
import type { Recipe } from "../../../base/recipe/recipe.ts";
import { noCollective } from "../../../engine/device/collective/collective.ts";
import { alone, type ProcessGroup } from "../../../engine/device/collective/process-group.ts";
import type { RehearsalDevice, Work } from "../../../engine/device/rehearsal-device.ts";
import { openRehearsal, type RehearsalTarget } from "../../../engine/open-rehearsal.ts";
import type { GradientReduction } from "../../../engine/optim/gradient-reduction.ts";
import type { Optimizer } from "../../../engine/optim/optimizer.ts";
import { zeroGradients } from "../../../engine/optim/zero-gradients.ts";
import type { RecomputePlan } from "../../../model/families/decoder.ts";
import type { WeightFormat } from "../../../model/families/parameters.ts";
import type { Pack } from "../../data/pack.ts";
import { seenPairs } from "../../data/seen-pairs.ts";
import { accumulateGradients } from "../loss.ts";
import { classHeadOf, makeTrainee, type Trainee } from "../method.ts";
import { updatingOf } from "../optimizer-of.ts";
import type { LearnedLabels } from "../run-data.ts";
import { openRehearsedModel } from "./rehearsed-model.ts";

/** Bytes that live through the whole run. */
export interface FixedMemory {
  readonly base: number;
  readonly adapter: number;
  readonly optimizer: number;
  /** With the bf16 copies of f32 parameters, on devices that multiply in bf16. */
  readonly gradients: number;
  /** What the device takes for itself. */
  readonly workspace: number;
}

/** Bytes that one pack adds. */
export interface PassMemory {
  /** Kept from the forward for the backward pass. */
  readonly activations: number;
  /** On top of them at the worst moment: what a layer's backward pass or the vocabulary projection needs for itself. */
  readonly working: number;
}

export interface RehearsedPass {
  readonly memory: PassMemory;
  /** Estimated seconds. */
  readonly seconds: PassSeconds;
}

export interface PassSeconds {
  readonly products: number;
  readonly attention: number;
  /** Kernels that are bound by memory. */
  readonly others: number;
}

/** Attention comes to this share of the speed of large products. */
const ATTENTION_SHARE = 0.55;
/** Products of size queries x keys x head dimension: scores and mixing, and in the backward pass five. */
const ATTENTION_PRODUCTS = { attention_forward: 2, attention_backward: 5 } as const;

export class Rehearsal implements Disposable {
  readonly trainee: Trainee;
  readonly fixed: FixedMemory;
  /** Estimated, of one step of the optimizer. */
  readonly updateSeconds: number;
  readonly #device: RehearsalDevice;
  readonly #optimizer: Optimizer;
  readonly #reduction: GradientReduction;
  readonly #supervisedRowsOnly: boolean;
  readonly #target: RehearsalTarget;

  /**
   * @param base folder with config.json
   * @param labels for a class head
   * @param processes among which it is one, the one that keeps most of what is divided
   */
  constructor(
    recipe: Recipe,
    base: string,
    format: WeightFormat,
    target: RehearsalTarget,
    labels?: LearnedLabels,
    processes = 1,
  ) {
    const device = openRehearsal(target);
    this.#target = target;
    const taken = (): number => device.memory().live;
    this.#device = device;
    this.#supervisedRowsOnly = recipe.packing.supervised_rows_only;
    const model = openRehearsedModel(base, device, format, classHeadOf(recipe, labels)?.config);
    const baseBytes = taken();
    this.trainee = makeTrainee(model, { ...recipe, warm_start: null }, null, labels);
    const withAdapter = taken();
    const { optimizer, reduction } = updatingOf(recipe, this.trainee, noCollective(rehearsedGroup(processes)));
    this.#optimizer = optimizer;
    this.#reduction = reduction;
    const withOptimizer = taken();
    // The first pass makes what lives on: gradients, copies, tables of angles.
    this.pass(smallestPack, { cheap: false, fullLayers: 0 });
    device.resetWork();
    this.#reduction.norm();
    this.#optimizer.step(0, 1);
    zeroGradients(this.trainee.trainable);
    this.updateSeconds = device.work.others;
    this.fixed = {
      base: baseBytes,
      adapter: withAdapter - baseBytes,
      optimizer: withOptimizer - withAdapter,
      gradients: taken() - withOptimizer,
      workspace: target.workspace,
    };
  }

  /** Bytes of the host that the device uses. */
  get onHost(): number {
    return this.#device.onHost;
  }

  /** One forward and backward pass. */
  pass(pack: Pack, recompute: RecomputePlan): RehearsedPass {
    const device = this.#device;
    const before = device.memory().live;
    device.resetPeak();
    device.resetWork();
    let activations = 0;
    const loss = accumulateGradients(this.trainee.model.decoder, pack, 1, {
      objective: this.trainee.objective,
      supervisedRowsOnly: this.#supervisedRowsOnly,
      recompute,
      dropoutSeed: 0,
      onLayerUndone: this.#reduction.onLayerUndone,
      onForward: () => {
        activations = device.memory().live - before;
      },
    });
    this.#reduction.endPass();
    loss();
    const { peak, live } = device.memory();
    // A table of angles that grew lives on, and is no part of the pass.
    const grown = live - before;
    return {
      memory: { activations: activations - grown, working: peak - before - activations },
      seconds: this.#secondsOf(device.work, pack),
    };
  }

  #secondsOf({ products, others, launches }: Work, { positions }: Pack): PassSeconds {
    const { heads, headDim, encoder } = this.trainee.model.decoder.config;
    const pairs = seenPairs(positions, encoder !== undefined);
    let attention = 0;
    for (const [kernel, count] of Object.entries(ATTENTION_PRODUCTS)) {
      attention += 2 * pairs * heads * headDim * count * (launches.get(kernel) ?? 0);
    }
    return { products, attention: attention / (this.#target.speeds.products * ATTENTION_SHARE), others };
  }

  [Symbol.dispose](): void {
    this.#optimizer[Symbol.dispose]();
    this.trainee[Symbol.dispose]();
  }
}

/** Others that do as this one does. */
function rehearsedGroup(size: number): ProcessGroup {
  return { ...alone, size, gather: (value) => Array.from({ length: size }, () => value) };
}

const smallestPack: Pack = {
  tokens: new Int32Array(2),
  positions: Int32Array.of(0, 1),
  expiry: Int32Array.of(2, 2),
  rows: Int32Array.of(0),
  targets: Int32Array.of(0),
  weights: Float32Array.of(1),
  labels: [[0]],
  examples: 1,
};
