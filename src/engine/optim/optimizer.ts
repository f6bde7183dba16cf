/**
 * AdamW over named parameters, with moments in f32 or, for parameters of 4,096 values or more, in 8 bits. A step is one
 * kernel a parameter; clipping and the loss's denominator come in as one factor, so no other pass over memory is made.
 */
import { UserError } from "../../base/errors.ts";
import { type DType, dtypeBytes } from "../device/device.ts";
import { type AdamwOptions, adamw } from "../ops/adamw/adamw.ts";
import { adamw8bit, type MomentMaps } from "../ops/adamw-8bit/adamw-8bit.ts";
import { dynamicMap, MAP_BLOCK } from "../ops/dynamic-map.ts";
import { unscoped } from "../tensor/scope.ts";
import { gradientOf } from "../tensor/tape.ts";
import { fromHost, release, type Shape, type Tensor, toBytes, zeros } from "../tensor/tensor.ts";

/** Smaller parameters keep f32 moments: they take little memory, and norms and biases are sensitive. */
export const MIN_8BIT_SIZE: 4096 = 4096;

export interface OptimizerOptions {
  readonly kind: "adamw" | "adamw_8bit";
  /** Trainable f32 tensors, all on one device. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  /** Whether weight decay applies to a parameter; see `decays`. */
  readonly decay: (name: string, parameter: Tensor) => boolean;
}

/** One tensor of the optimizer's state, as a checkpoint holds it: `PARAMETER.exp_avg`, `PARAMETER.state1`, … */
export interface StateTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  /** Little-endian. Read from the device when called, so that one tensor at a time is in host memory. */
  readonly bytes: () => Uint8Array;
}

export interface Optimizer extends Disposable {
  /** Steps made so far. */
  readonly steps: number;
  /** Updates every parameter by its gradient times `gradientScale`; the gradients stay as they are. */
  step(learningRate: number, gradientScale: number): void;
  /** Everything but the number of steps; `restore` with both goes on with the same bits. */
  state(): readonly StateTensor[];
  /** @throws UserError where the state is not of these parameters and this kind; nothing has changed then. */
  restore(state: Iterable<StateTensor>, steps: number): void;
}

/** The state of one parameter, and how a step goes. */
interface Slot {
  readonly parameter: Tensor;
  readonly weightDecay: number;
  /** By the name's ending. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly update: (gradient: Tensor, options: AdamwOptions) => void;
}

export function createOptimizer(options: OptimizerOptions): Optimizer {
  return unscoped(() => new AdamW(options));
}

class AdamW implements Optimizer {
  readonly #slots = new Map<string, Slot>();
  readonly #maps: MomentMaps | undefined;
  readonly #options: OptimizerOptions;
  #steps = 0;

  constructor(options: OptimizerOptions) {
    this.#options = options;
    const first = options.parameters.values().next().value;
    if (options.kind === "adamw_8bit" && first !== undefined) {
      this.#maps = {
        map1: fromHost(first.device, dynamicMap("signed")),
        map2: fromHost(first.device, dynamicMap("unsigned")),
      };
    }
    for (const [name, parameter] of options.parameters) {
      if (parameter.dtype !== "f32") throw new Error(`${name} is ${parameter.dtype}; optimizers train f32 tensors`);
      const weightDecay = options.decay(name, parameter) ? options.weightDecay : 0;
      const quantized = this.#maps !== undefined && parameter.length >= MIN_8BIT_SIZE;
      const moments = quantized ? moments8bit(parameter, this.#maps) : moments32bit(parameter);
      this.#slots.set(name, { parameter, weightDecay, ...moments });
    }
  }

  get steps(): number {
    return this.#steps;
  }

  step(learningRate: number, gradientScale: number): void {
    this.#steps++;
    const { betas, eps } = this.#options;
    const shared = { learningRate, beta1: betas[0], beta2: betas[1], eps, step: this.#steps, gradientScale };
    for (const { parameter, weightDecay, update } of this.#slots.values()) {
      // A gradient that has not been made yet counts as zeros: were it left out, a resumed run would differ.
      update(gradientOf(parameter), { ...shared, weightDecay });
    }
  }

  state(): readonly StateTensor[] {
    return [...this.#tensors()].map(([name, tensor]) => ({
      name,
      dtype: tensor.dtype,
      shape: tensor.shape,
      bytes: () => toBytes(tensor),
    }));
  }

  restore(state: Iterable<StateTensor>, steps: number): void {
    const own = this.#tensors();
    const given = new Map([...state].map((tensor) => [tensor.name, tensor]));
    for (const [name, tensor] of own) expectSame(name, tensor, given.get(name));
    for (const name of given.keys()) if (!own.has(name)) throw mismatch(`has ${name}, which this run does not train`);
    for (const [name, tensor] of own) {
      const bytes = given.get(name)!.bytes();
      const wanted = tensor.length * dtypeBytes[tensor.dtype];
      if (bytes.length !== wanted)
        throw new Error(`${name}: ${bytes.length} bytes of state, its shape needs ${wanted}`);
      tensor.device.write(tensor, bytes);
    }
    this.#steps = steps;
  }

  /** Frees the state. */
  [Symbol.dispose](): void {
    for (const tensor of this.#tensors().values()) release(tensor);
    if (this.#maps !== undefined) for (const map of Object.values(this.#maps)) release(map);
    this.#slots.clear();
  }

  #tensors(): Map<string, Tensor> {
    const tensors = new Map<string, Tensor>();
    for (const [name, slot] of this.#slots) {
      for (const [ending, tensor] of Object.entries(slot.tensors)) tensors.set(`${name}.${ending}`, tensor);
    }
    return tensors;
  }
}

/** Endings of the names as PyTorch's AdamW has them. */
function moments32bit(parameter: Tensor): Pick<Slot, "tensors" | "update"> {
  const m = zeros(parameter.device, parameter.shape);
  const v = zeros(parameter.device, parameter.shape);
  return {
    tensors: { exp_avg: m, exp_avg_sq: v },
    update: (gradient, options) => adamw(parameter, gradient, { m, v }, options),
  };
}

/** Endings of the names as bitsandbytes has them. */
function moments8bit(parameter: Tensor, maps: MomentMaps): Pick<Slot, "tensors" | "update"> {
  const { device, shape, length } = parameter;
  const blocks = Math.ceil(length / MAP_BLOCK);
  const moments = {
    state1: zeros(device, shape, "u8"),
    state2: zeros(device, shape, "u8"),
    absmax1: zeros(device, [blocks]),
    absmax2: zeros(device, [blocks]),
  };
  return { tensors: moments, update: (gradient, options) => adamw8bit(parameter, gradient, moments, maps, options) };
}

function expectSame(name: string, own: Tensor, given: StateTensor | undefined): void {
  if (given === undefined) throw mismatch(`has no ${name}`);
  const same = given.dtype === own.dtype && given.shape.join() === own.shape.join();
  if (!same) throw mismatch(`has ${name} as ${given.dtype} [${given.shape}], this run as ${own.dtype} [${own.shape}]`);
}

function mismatch(how: string): UserError {
  return new UserError({
    code: "checkpoint/optimizer-state",
    message: `the checkpoint's optimizer state does not fit: it ${how}`,
    fix: "resume with the recipe that wrote it (same model, method, targets, rank and optim), or begin a new run",
  });
}
