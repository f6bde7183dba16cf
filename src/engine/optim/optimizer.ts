/**
 * AdamW over named parameters, with moments in f32 or, for parameters of 4,096 values or more, in 8 bits. A step is one
 * kernel a parameter, or one for many that lie side by side; clipping and the loss's denominator come in as one factor,
 * so no other pass over memory is made. Parameters are f32, or bf16 with stochastic rounding.
 */
import { UserError } from "../../base/errors.ts";
import { hashLabel, mix32 } from "../../base/random.ts";
import { type DType, dtypeBytes } from "../device/device.ts";
import { type AdamwOptions, adamw } from "../ops/adamw/adamw.ts";
import { adamw8bit, type MomentMaps } from "../ops/adamw-8bit/adamw-8bit.ts";
import { dynamicMap, MAP_BLOCK } from "../ops/dynamic-map.ts";
import { existingMirror } from "../tensor/mirror.ts";
import { unscoped } from "../tensor/scope.ts";
import { gradientOf } from "../tensor/tape.ts";
import { fromHost, release, type Shape, type Tensor, toBytes } from "../tensor/tensor.ts";
import { createMoments, type Moments } from "./moments.ts";
import { joinedFlat, sideBySide } from "./side-by-side.ts";

/** Smaller parameters keep f32 moments: they take little memory, and norms and biases are sensitive. */
export const MIN_8BIT_SIZE: 4096 = 4096;

export interface OptimizerOptions {
  readonly kind: "adamw" | "adamw_8bit";
  /** Keep the states in host memory, where the device tells it from its own; the numbers are the same. */
  readonly paged?: boolean;
  /** Trainable tensors in f32 or bf16, all on one device. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  /** Whether weight decay applies to a parameter; see `decays`. */
  readonly decay: (name: string, parameter: Tensor) => boolean;
  /** Decides how bf16 parameters are rounded. */
  readonly seed: number;
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
  /** Steps made so far; set where states are put back by hand. */
  steps: number;
  /** Updates every parameter by its gradient times `gradientScale`; the gradients stay as they are. */
  step(learningRate: number, gradientScale: number): void;
  /** Everything but the number of steps; `restore` with both goes on with the same bits. */
  state(): readonly StateTensor[];
  /** @throws UserError where the state is not of these parameters and this kind; nothing has changed then. */
  restore(state: Iterable<StateTensor>, steps: number): void;
  /** Runs what reads the state, on rank 0; of several processes all call it, those that hold a part lend it. */
  lend(body: () => void): void;
  /** The state where it is, by name. */
  stateTensors(): ReadonlyMap<string, Tensor>;
}

/** Parameters that are updated by one kernel. */
interface Slot {
  readonly parameters: readonly Tensor[];
  /** All of them as one run of values. */
  readonly whole: Tensor;
  readonly weightDecay: number;
  readonly seed: number;
  readonly moments: Moments;
}

export function createOptimizer(options: OptimizerOptions): Optimizer {
  return unscoped(() => new AdamW(options));
}

class AdamW implements Optimizer {
  readonly #slots: Slot[] = [];
  /** By name, in the order of the parameters. */
  readonly #state = new Map<string, Tensor>();
  readonly #maps: MomentMaps | undefined;
  readonly #options: OptimizerOptions;
  #steps = 0;

  constructor(options: OptimizerOptions) {
    this.#options = options;
    const { parameters, kind, seed, paged = false } = options;
    const first = parameters.values().next().value;
    if (kind === "adamw_8bit" && first !== undefined) {
      this.#maps = {
        map1: fromHost(first.device, dynamicMap("signed")),
        map2: fromHost(first.device, dynamicMap("unsigned")),
      };
    }
    const nameOf = new Map([...parameters].map(([name, parameter]) => [parameter, name]));
    const state = new Map<Tensor, Readonly<Record<string, Tensor>>>();
    for (const [weightDecay, quantized, together] of this.#groups()) {
      for (const run of sideBySide(together, quantized ? MAP_BLOCK : 1)) {
        const whole = joinedFlat(run);
        const moments = createMoments(run, { quantized, paged });
        run.forEach((parameter, i) => {
          state.set(parameter, moments.ofParameter[i]!);
        });
        const name = nameOf.get(run[0]!)!;
        this.#slots.push({ parameters: run, whole, weightDecay, seed: mix32(seed ^ hashLabel(name)), moments });
      }
    }
    for (const [name, parameter] of parameters) {
      for (const [ending, tensor] of Object.entries(state.get(parameter)!))
        this.#state.set(`${name}.${ending}`, tensor);
    }
  }

  /** Parameters that could share a kernel, as far as their kind goes. */
  #groups(): (readonly [weightDecay: number, quantized: boolean, parameters: readonly Tensor[]])[] {
    const { parameters, decay, weightDecay } = this.#options;
    const groups = new Map<string, [number, boolean, Tensor[]]>();
    for (const [name, parameter] of parameters) {
      const decayed = decay(name, parameter) ? weightDecay : 0;
      const quantized = this.#maps !== undefined && parameter.length >= MIN_8BIT_SIZE;
      // Random bits belong to a parameter, not to where it lies: one in bf16 stands alone.
      const key = parameter.dtype === "f32" ? `${decayed} ${quantized}` : name;
      const group = groups.get(key) ?? [decayed, quantized, []];
      group[2].push(parameter);
      groups.set(key, group);
    }
    return [...groups.values()];
  }

  get steps(): number {
    return this.#steps;
  }

  set steps(steps: number) {
    this.#steps = steps;
  }

  step(learningRate: number, gradientScale: number): void {
    this.#steps++;
    const { betas, eps } = this.#options;
    const shared = { learningRate, beta1: betas[0], beta2: betas[1], eps, step: this.#steps, gradientScale };
    for (const { parameters, whole, weightDecay, seed, moments } of this.#slots) {
      // A gradient that has not been made yet counts as zeros: were it left out, a resumed run would differ.
      const gradients = parameters.map(gradientOf);
      const options: AdamwOptions = { ...shared, weightDecay, seed: mix32(seed + this.#steps) };
      const rounded = whole.dtype === "f32" ? existingMirror(whole, "rounded", "bf16") : undefined;
      const gradient = joinedFlat(gradients);
      if (moments.kind === "f32") adamw(whole, gradient, moments.whole, options, rounded);
      else adamw8bit(whole, gradient, moments.whole, this.#maps!, options, rounded);
    }
  }

  state(): readonly StateTensor[] {
    return [...this.#state].map(([name, tensor]) => ({
      name,
      dtype: tensor.dtype,
      shape: tensor.shape,
      bytes: () => toBytes(tensor),
    }));
  }

  restore(state: Iterable<StateTensor>, steps: number): void {
    const own = this.#state;
    const given = new Map([...state].map((tensor) => [tensor.name, tensor]));
    expectState(
      Array.from(own, ([name, { dtype, shape }]) => ({ name, dtype, shape })),
      given,
    );
    for (const [name, tensor] of own) {
      const bytes = given.get(name)!.bytes();
      const wanted = tensor.length * dtypeBytes[tensor.dtype];
      if (bytes.length !== wanted)
        throw new Error(`${name}: ${bytes.length} bytes of state, its shape needs ${wanted}`);
      tensor.device.write(tensor, bytes);
    }
    this.#steps = steps;
  }

  lend(body: () => void): void {
    body();
  }

  stateTensors(): ReadonlyMap<string, Tensor> {
    return this.#state;
  }

  /** Frees the state. */
  [Symbol.dispose](): void {
    for (const { moments } of this.#slots.splice(0)) for (const tensor of Object.values(moments.whole)) release(tensor);
    if (this.#maps !== undefined) for (const map of Object.values(this.#maps)) release(map);
    this.#state.clear();
  }
}

/** @throws UserError where what is given is not the state that is expected */
export function expectState(
  expected: readonly Omit<StateTensor, "bytes">[],
  given: ReadonlyMap<string, Omit<StateTensor, "bytes">>,
): void {
  for (const { name, dtype, shape } of expected) {
    const state = given.get(name);
    if (state === undefined) throw mismatch(`has no ${name}`);
    if (state.dtype === dtype && state.shape.join() === shape.join()) continue;
    throw mismatch(`has ${name} as ${state.dtype} [${state.shape}], this run as ${dtype} [${shape}]`);
  }
  const names = new Set(expected.map(({ name }) => name));
  for (const name of given.keys()) if (!names.has(name)) throw mismatch(`has ${name}, which this run does not train`);
}

function mismatch(how: string): UserError {
  return new UserError({
    code: "checkpoint/optimizer-state",
    message: `the checkpoint's optimizer state does not fit: it ${how}`,
    fix: "resume with the recipe that wrote it (same model, method, targets, rank and optim), or begin a new run",
  });
}
