import type { EncodedExample } from "./pack.ts";
import type { ProblemGroup, Problems } from "./problems.ts";

/** Tokens that share one allocation; a longer example has one of its own. */
const blockTokens = 1 << 20;

interface Block {
  readonly ids: Int32Array;
  readonly supervised: Uint8Array;
  used: number;
}

interface Place {
  readonly block: Block;
  readonly begin: number;
  readonly end: number;
  /** What an example has beside its tokens. */
  readonly beside: Omit<EncodedExample, "ids" | "supervised">;
}

/** Examples as tokens, five bytes each, in a few large blocks. */
export class EncodedDataset {
  readonly #blocks: Block[] = [];
  readonly #places: Place[] = [];
  readonly #rows: number[] = [];
  #tokens = 0;
  #supervisedTokens = 0;
  readonly #problems: Problems;

  /** @param problems what was cut or skipped in encoding */
  constructor(problems: Problems) {
    this.#problems = problems;
  }

  /** @param row index of the example's row in its Dataset */
  push(example: EncodedExample, row: number): void {
    const { length } = example.ids;
    let block = this.#blocks.at(-1);
    if (block === undefined || block.used + length > block.ids.length) {
      const size = Math.max(length, blockTokens);
      block = { ids: new Int32Array(size), supervised: new Uint8Array(size), used: 0 };
      this.#blocks.push(block);
    }
    block.ids.set(example.ids, block.used);
    block.supervised.set(example.supervised, block.used);
    const { ids: _ids, supervised: _supervised, ...beside } = example;
    this.#places.push({ block, begin: block.used, end: block.used + length, beside });
    this.#rows.push(row);
    block.used += length;
    this.#tokens += length;
    for (let i = 0; i < length; i++) this.#supervisedTokens += example.supervised[i]!;
  }

  get problems(): readonly ProblemGroup[] {
    return this.#problems.groups();
  }

  get length(): number {
    return this.#places.length;
  }

  get tokens(): number {
    return this.#tokens;
  }

  get supervisedTokens(): number {
    return this.#supervisedTokens;
  }

  /** Views, valid as long as the set is. */
  example(index: number): EncodedExample {
    const { block, begin, end, beside } = this.#places[index]!;
    return { ids: block.ids.subarray(begin, end), supervised: block.supervised.subarray(begin, end), ...beside };
  }

  /** Index of the example's row in its Dataset. */
  row(index: number): number {
    return this.#rows[index]!;
  }
}
