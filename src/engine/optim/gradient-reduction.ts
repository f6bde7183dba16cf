/** How gradients of several processes become those of all: sums on all of them, or each on the process that owns it. */
import type { Collective } from "../device/collective/collective.ts";
import { gradientOf } from "../tensor/tape.ts";
import { release, type Tensor } from "../tensor/tensor.ts";
import { type GradientNorm, globalNorm, squaresOf } from "./clip.ts";
import { ownedRuns, type Shards } from "./shards.ts";
import { joinedFlat, sideBySide } from "./side-by-side.ts";

/** 0: everyone has all gradients; 1: sums are on their owners alone; 2: others do not even keep their parts. */
export type ZeroStage = 0 | 1 | 2;

export interface GradientReduction {
  readonly collective: Collective;
  /** Passes of a step that all processes make, however many packs each has. @param own packs of this one */
  passes(own: number): number;
  /** To be told in a backward pass when a layer and all after it are undone. */
  readonly onLayerUndone: ((layer: number) => void) | undefined;
  /** After each pass, also one without a pack. */
  endPass(): void;
  /** After the last pass of a step. */
  endStep(): void;
  /** Of all gradients of the step. */
  norm(): GradientNorm;
}

/** @param shards from stage 1 on */
export function gradientReduction(
  parameters: ReadonlyMap<string, Tensor>,
  collective: Collective,
  stage: ZeroStage = 0,
  shards?: Shards,
): GradientReduction {
  if (shards === undefined || stage === 0) return new FullReduction(parameters, collective);
  return stage === 1 ? new OwnedReduction(parameters, shards) : new LayerReduction(parameters, shards);
}

class FullReduction implements GradientReduction {
  readonly collective: Collective;
  readonly onLayerUndone = undefined;
  readonly #parameters: ReadonlyMap<string, Tensor>;

  constructor(parameters: ReadonlyMap<string, Tensor>, collective: Collective) {
    this.collective = collective;
    this.#parameters = parameters;
  }

  passes(own: number): number {
    return own;
  }

  endPass(): void {}

  endStep(): void {
    if (this.collective.group.size === 1) return;
    // A gradient that a process has not made counts as zeros.
    const gradients = [...this.#parameters.values()].map(gradientOf);
    this.collective.allReduce(sideBySide(gradients).map(joinedFlat));
  }

  norm(): GradientNorm {
    return globalNorm(this.#parameters);
  }
}

class OwnedReduction implements GradientReduction {
  readonly onLayerUndone: ((layer: number) => void) | undefined = undefined;
  protected readonly parameters: ReadonlyMap<string, Tensor>;
  protected readonly shards: Shards;

  constructor(parameters: ReadonlyMap<string, Tensor>, shards: Shards) {
    this.parameters = parameters;
    this.shards = shards;
  }

  get collective(): Collective {
    return this.shards.collective;
  }

  passes(own: number): number {
    return own;
  }

  endPass(): void {}

  endStep(): void {
    this.collective.reduce(ownedRuns(this.parameters.values(), this.shards, gradientOf));
  }

  /** Squares are added in the order of a process alone, so that the norm has its bits. */
  norm(): GradientNorm {
    const { group } = this.collective;
    const runs = sideBySide([...this.parameters.values()]);
    const owners = runs.map((run) => this.shards.ownerOf(run[0]!));
    const own = runs.filter((_, i) => owners[i] === group.rank).map((run) => joinedFlat(run.map(gradientOf)));
    const queues = group.gather(squaresOf(own)).map((squares) => squares.values());
    let total = 0;
    for (const owner of owners) total += queues[owner]!.next().value ?? 0;
    const norm = Math.sqrt(total);
    if (Number.isFinite(norm)) return { norm, notFinite: [] };
    const named = new Map([...this.parameters].filter(([, parameter]) => this.shards.isOwn(parameter)));
    return { norm, notFinite: group.gather(globalNorm(named).notFinite).flat() };
  }
}

/** Layers' names, as families have them. */
const LAYER = /(?:^|\.)(?:layers|layer|h)\.(\d+)\./;

class LayerReduction extends OwnedReduction {
  override readonly onLayerUndone = (layer: number): void => this.#reduceTo(layer);
  /** By layer; parameters of none stand last in the map, under -1. */
  readonly #layers: ReadonlyMap<number, readonly Tensor[]>;
  /** The last layer whose gradients of this pass are summed. */
  #reached: number;

  constructor(parameters: ReadonlyMap<string, Tensor>, shards: Shards) {
    super(parameters, shards);
    const layers = new Map<number, Tensor[]>();
    for (const [name, parameter] of parameters) {
      const layer = Number(LAYER.exec(name)?.[1] ?? -1);
      layers.set(layer, [...(layers.get(layer) ?? []), parameter]);
    }
    this.#layers = new Map([...layers].sort(([a], [b]) => b - a));
    this.#reached = Number.POSITIVE_INFINITY;
  }

  override passes(own: number): number {
    return Math.max(...this.collective.group.gather(own));
  }

  override endPass(): void {
    this.#reduceTo(-1);
    this.#reached = Number.POSITIVE_INFINITY;
  }

  override endStep(): void {}

  /** All processes come by the same layers in the same order, from the last to the first. */
  #reduceTo(last: number): void {
    for (const [layer, parameters] of this.#layers) {
      if (layer >= this.#reached || layer < last) continue;
      this.collective.reduce(ownedRuns(parameters, this.shards, gradientOf));
      for (const parameter of parameters) if (!this.shards.isOwn(parameter)) forget(parameter);
    }
    this.#reached = last;
  }
}

/** What was launched comes before whatever takes the memory next. */
function forget(parameter: Tensor): void {
  if (parameter.gradient) release(parameter.gradient);
  parameter.gradient = undefined;
}
