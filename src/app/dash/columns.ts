import type { Points } from "./wire.ts";

/** Figures of a run by step, in columns of numbers, so that a hundred thousand points are a few megabytes. */
export class Columns {
  #steps: Float64Array = new Float64Array(256);
  #values = new Map<string, Float64Array>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Steps come in order; one that comes again replaces itself and what came after it, as a resumed run repeats steps. */
  add(step: number, row: Readonly<Record<string, number>>): void {
    while (this.#length > 0 && this.#steps[this.#length - 1]! >= step) this.#length--;
    if (this.#length === this.#steps.length) this.#grow();
    this.#steps[this.#length] = step;
    for (const column of this.#values.values()) column[this.#length] = Number.NaN;
    for (const [name, value] of Object.entries(row)) this.#column(name)[this.#length] = value;
    this.#length++;
  }

  /**
   * Every column with at most `most` points: of each stretch the lowest and the highest value, in their order, so that a
   * spike is never thinned away.
   */
  thinned(most: number): Record<string, Points> {
    return Object.fromEntries([...this.#values.keys()].map((name) => [name, this.#thin(name, most)]));
  }

  #thin(name: string, most: number): Points {
    const values = this.#values.get(name)!;
    const there: number[] = [];
    for (let i = 0; i < this.#length; i++) if (!Number.isNaN(values[i]!)) there.push(i);
    const kept = there.length <= most ? there : extremes(there, values, Math.floor(most / 2));
    return { steps: kept.map((i) => this.#steps[i]!), values: kept.map((i) => values[i]!) };
  }

  #column(name: string): Float64Array {
    const found = this.#values.get(name);
    if (found !== undefined) return found;
    const made = new Float64Array(this.#steps.length).fill(Number.NaN);
    this.#values.set(name, made);
    return made;
  }

  #grow(): void {
    const larger = (old: Float64Array): Float64Array => {
      const made = new Float64Array(old.length * 2).fill(Number.NaN);
      made.set(old);
      return made;
    };
    this.#steps = larger(this.#steps);
    this.#values = new Map([...this.#values].map(([name, column]) => [name, larger(column)]));
  }
}

/** First, last, and of each stretch the indices of the least and the greatest value. */
function extremes(there: readonly number[], values: Float64Array, stretches: number): number[] {
  const kept = new Set<number>([there[0]!]);
  for (let s = 0; s < stretches; s++) {
    const [begin, end] = [s, s + 1].map((at) => Math.floor((at * there.length) / stretches)) as [number, number];
    let [least, greatest] = [there[begin]!, there[begin]!];
    for (let at = begin; at < end; at++) {
      const i = there[at]!;
      if (values[i]! < values[least]!) least = i;
      if (values[i]! > values[greatest]!) greatest = i;
    }
    kept.add(least).add(greatest);
  }
  kept.add(there.at(-1)!);
  return [...kept].sort((a, b) => a - b);
}
