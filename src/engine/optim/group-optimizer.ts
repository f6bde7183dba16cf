/**
 * The optimizer of several processes. Without shards each updates everything, by the same sums. With shards each updates
 * what it owns, hands it to the others, and checkpoints gather and deal out the states.
 */
import type { Collective } from "../device/collective/collective.ts";
import { type Device, dtypeBytes } from "../device/device.ts";
import { elementCount, rows, type Tensor, view } from "../tensor/tensor.ts";
import { refreshWorking } from "../tensor/working-copy.ts";
import { createOptimizer, expectState, type Optimizer, type OptimizerOptions, type StateTensor } from "./optimizer.ts";
import { passValues } from "./pass-values.ts";
import { ownedRuns, type Shards } from "./shards.ts";

/** A state, whoever holds it. */
interface Held extends Omit<StateTensor, "bytes"> {
  readonly owner: number;
}

export class GroupOptimizer implements Optimizer {
  readonly #inner: Optimizer;
  readonly #collective: Collective;
  readonly #shards: Shards | undefined;
  readonly #parameters: ReadonlyMap<string, Tensor>;
  readonly #device: Device;
  /** Of all processes, by name. */
  readonly #held: ReadonlyMap<string, Held>;

  constructor(options: OptimizerOptions, collective: Collective, shards: Shards | undefined) {
    const { parameters } = options;
    this.#parameters = parameters;
    this.#device = parameters.values().next().value!.device;
    this.#collective = collective;
    this.#shards = shards;
    const own = shards === undefined ? parameters : new Map([...parameters].filter(([, one]) => shards.isOwn(one)));
    this.#inner = createOptimizer({ ...options, parameters: own });
    const { group } = collective;
    const ours = this.#inner.state().map(({ name, dtype, shape }): Held => ({ name, dtype, shape, owner: group.rank }));
    const all = shards === undefined ? ours.map((state) => ({ ...state, owner: 0 })) : group.gather(ours).flat();
    this.#held = new Map(all.map((state) => [state.name, state]));
  }

  get steps(): number {
    return this.#inner.steps;
  }

  set steps(steps: number) {
    this.#inner.steps = steps;
  }

  step(learningRate: number, gradientScale: number): void {
    this.#inner.step(learningRate, gradientScale);
    if (this.#shards === undefined) return;
    const parameters = [...this.#parameters.values()];
    this.#collective.broadcast(ownedRuns(parameters, this.#shards));
    for (const parameter of parameters) if (!this.#shards.isOwn(parameter)) refreshWorking(parameter);
  }

  /** On rank 0, inside `lend`. */
  state(): readonly StateTensor[] {
    if (this.#shards === undefined) return this.#inner.state();
    return [...this.#held.values()].map(({ name, dtype, shape }) => ({
      name,
      dtype,
      shape,
      bytes: () => this.#gathered(this.#collective.group.share(name)),
    }));
  }

  lend(body: () => void): void {
    const { group } = this.#collective;
    if (this.#shards === undefined) {
      if (group.rank === 0) body();
      return;
    }
    if (group.rank === 0) {
      try {
        body();
      } finally {
        group.share<string | undefined>(undefined);
      }
      return;
    }
    // Rank 0 names what it wants next.
    for (let name = nextName(this.#collective); name !== undefined; name = nextName(this.#collective)) {
      this.#gathered(name);
    }
  }

  /** Rank 0 has the states; the others are handed what is theirs. */
  restore(state: Iterable<StateTensor>, steps: number): void {
    const { group } = this.#collective;
    const given = new Map([...state].map((tensor) => [tensor.name, tensor]));
    if (group.rank === 0) expectState([...this.#held.values()], given);
    for (const { name, dtype, shape } of this.#held.values()) {
      const bytes = group.rank === 0 ? given.get(name)!.bytes() : undefined;
      const own = this.#inner.stateTensors().get(name);
      const width = dtypeBytes[dtype];
      passValues(this.#collective, {
        ...{ device: this.#device, dtype, length: elementCount(shape), from: 0 },
        give: (part, at) => this.#device.write(part, bytes!.subarray(at * width, (at + part.length) * width)),
        take: (part, at) => own && this.#device.copy(part, rows(view(own, [own.length]), at, at + part.length)),
      });
    }
    this.#inner.steps = steps;
  }

  stateTensors(): ReadonlyMap<string, Tensor> {
    return this.#inner.stateTensors();
  }

  [Symbol.dispose](): void {
    this.#inner[Symbol.dispose]();
  }

  /** All of a state's bytes on rank 0; none on the others. */
  #gathered(name: string): Uint8Array {
    const { dtype, shape, owner } = this.#held.get(name)!;
    const own = this.#inner.stateTensors().get(name);
    const length = elementCount(shape);
    const width = dtypeBytes[dtype];
    const isRoot = this.#collective.group.rank === 0;
    const bytes = new Uint8Array(isRoot ? length * width : 0);
    passValues(this.#collective, {
      ...{ device: this.#device, dtype, length, from: owner },
      give: (part, at) => this.#device.copy(rows(view(own!, [length]), at, at + part.length), part),
      take: (part, at) => {
        if (isRoot) this.#device.read(part, bytes.subarray(at * width, (at + part.length) * width));
      },
    });
    return bytes;
  }
}

function nextName({ group }: Collective): string | undefined {
  return group.share<string | undefined>(undefined);
}
