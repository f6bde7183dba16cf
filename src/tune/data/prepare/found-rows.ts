import type { Problem } from "../problems.ts";
import { EXAMPLES } from "./preparation.ts";

/** Which rows of a set something was found in, a byte each, with the first as examples. */
export class FoundRows {
  readonly #found: Uint8Array;
  readonly #examples: Problem[] = [];
  #count = 0;

  constructor(total: number) {
    this.#found = new Uint8Array(total);
  }

  get total(): number {
    return this.#found.length;
  }

  get count(): number {
    return this.#count;
  }

  get examples(): readonly Problem[] {
    return this.#examples;
  }

  has(row: number): boolean {
    return this.#found[row] === 1;
  }

  /** @param example asked for while there are few */
  add(row: number, example?: () => Problem): void {
    if (this.has(row)) return;
    this.#found[row] = 1;
    this.#count++;
    if (example !== undefined && this.#examples.length < EXAMPLES) this.#examples.push(example());
  }

  /** The rows it was not found in, ascending. */
  others(): Uint32Array {
    const others = new Uint32Array(this.total - this.#count);
    let next = 0;
    for (let row = 0; row < this.total; row++) if (!this.has(row)) others[next++] = row;
    return others;
  }
}
