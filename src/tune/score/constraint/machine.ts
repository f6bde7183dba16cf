/** Follows a text through a grammar, byte by byte: at each place, every way in which the text may go on. */
import type { ByteSet, Expression } from "./grammar.ts";

/** What is still to come on one way: a byte of a set, then the rest; undefined: nothing. */
interface Way {
  readonly id: number;
  readonly set: ByteSet;
  readonly rest: Rest;
}

/** Expressions still to come, the next one first. */
type Rest = Pending | undefined;

interface Pending {
  readonly id: number;
  readonly next: Expression;
  readonly after: Rest;
}

/** States that are remembered by their ways; those in use stay alive beyond it. */
const MAX_STATES = 4096;

export class State {
  /** Whether the text may end here. */
  readonly mayEnd: boolean;
  readonly #machine: Machine;
  readonly #ways: readonly Way[];
  /** By byte: undefined not yet looked at, null no way. */
  readonly #next = new Array<State | null | undefined>(256).fill(undefined);

  constructor(machine: Machine, ways: readonly Way[], mayEnd: boolean) {
    this.#machine = machine;
    this.#ways = ways;
    this.mayEnd = mayEnd;
  }

  /** Whether the text can only end here. */
  get mustEnd(): boolean {
    return this.#ways.length === 0;
  }

  /** Where the text stands after one more byte; null where none of the ways has it. */
  after(byte: number): State | null {
    const known = this.#next[byte];
    if (known !== undefined) return known;
    const rests = this.#ways.filter(({ set }) => set[byte] === 1).map(({ rest }) => rest);
    const next = rests.length === 0 ? null : this.#machine.stateOf(rests);
    this.#next[byte] = next;
    return next;
  }
}

export class Machine {
  readonly start: State;
  readonly #expressions = new Map<Expression, number>();
  readonly #sets = new Map<ByteSet, number>();
  readonly #pending = new Map<string, Pending>();
  readonly #ways = new Map<string, Way>();
  #states = new Map<string, State>();

  constructor(grammar: Expression) {
    this.start = this.stateOf([this.#push(grammar, undefined)]);
  }

  /** How much it remembers of the texts that it followed. */
  get size(): number {
    return this.#pending.size + this.#ways.size;
  }

  /** The state in which each of these may be what comes. */
  stateOf(rests: readonly Rest[]): State {
    const ways = new Map<number, Way>();
    const seen = new Set<number>();
    let mayEnd = false;
    const expand = (rest: Rest): void => {
      if (rest === undefined) {
        mayEnd = true;
        return;
      }
      if (seen.has(rest.id)) return;
      seen.add(rest.id);
      const { next, after } = rest;
      switch (next.kind) {
        case "byte": {
          const way = this.#way(next.set, after);
          ways.set(way.id, way);
          return;
        }
        case "sequence":
          expand(next.parts.reduceRight<Rest>((before, part) => this.#push(part, before), after));
          return;
        case "choice":
          for (const option of next.options) expand(this.#push(option, after));
          return;
        case "repeat":
          expand(after);
          expand(this.#push(next.part, rest));
      }
    };
    for (const rest of rests) expand(rest);
    const key = `${mayEnd}:${[...ways.keys()].sort((a, b) => a - b).join()}`;
    const known = this.#states.get(key);
    if (known) return known;
    if (this.#states.size >= MAX_STATES) this.#states = new Map();
    const state = new State(this, [...ways.values()], mayEnd);
    this.#states.set(key, state);
    return state;
  }

  #push(next: Expression, after: Rest): Pending {
    const expression = idOf(this.#expressions, next);
    return made(this.#pending, `${expression}:${after?.id ?? -1}`, (id) => ({ id, next, after }));
  }

  #way(set: ByteSet, rest: Rest): Way {
    const expression = idOf(this.#sets, set);
    return made(this.#ways, `${expression}:${rest?.id ?? -1}`, (id) => ({ id, set, rest }));
  }
}

function idOf<T>(ids: Map<T, number>, value: T): number {
  const id = ids.get(value) ?? ids.size;
  ids.set(value, id);
  return id;
}

function made<T>(all: Map<string, T>, key: string, make: (id: number) => T): T {
  const known = all.get(key);
  if (known !== undefined) return known;
  const value = make(all.size);
  all.set(key, value);
  return value;
}
