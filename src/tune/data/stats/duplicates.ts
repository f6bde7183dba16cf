import { createHash } from "node:crypto";
import { Column } from "../store/column.ts";

/** Rows that ask the same. */
export interface Duplicates {
  /** Rows that say again what an earlier one says, prompt and answer alike. */
  readonly repeated: number;
  /** Rows whose prompt stands in the set with different answers. */
  readonly conflicting: number;
  /** Different prompts of these. */
  readonly conflicts: number;
  /** Places of some of them, each with those of one prompt. */
  readonly conflictExamples: readonly (readonly string[])[];
  readonly repeatedExamples: readonly (readonly string[])[];
}

const EXAMPLES = 3;
const PLACES = 4;

/**
 * Finds rows with the same prompt by a hash of 64 bits (two of ten million different prompts share one with a probability
 * of 3 in a million), and whether they agree by one of 32. Twenty bytes a row.
 */
export class DuplicateFinder {
  readonly #high = Column.i32();
  readonly #low = Column.i32();
  readonly #answers = Column.i32();
  readonly #lines = Column.i32();
  readonly #files = Column.i32();
  readonly #fileNames: string[] = [];

  add(prompt: string, answer: string, file: string, line: number): void {
    const digest = createHash("sha256").update(prompt).digest();
    this.#high.push(digest.readInt32LE(0));
    this.#low.push(digest.readInt32LE(4));
    this.#answers.push(createHash("sha256").update(answer).digest().readInt32LE(0));
    this.#lines.push(line);
    if (this.#fileNames.at(-1) !== file) this.#fileNames.push(file);
    this.#files.push(this.#fileNames.length - 1);
  }

  result(): Duplicates {
    const order = new Uint32Array(this.#high.length).map((_, i) => i);
    order.sort((a, b) => this.#high.at(a) - this.#high.at(b) || this.#low.at(a) - this.#low.at(b) || a - b);
    const found = { repeated: 0, conflicting: 0, conflicts: 0 };
    const conflictExamples: (readonly string[])[] = [];
    const repeatedExamples: (readonly string[])[] = [];
    for (let begin = 0, end = 0; begin < order.length; begin = end) {
      while (end < order.length && this.#samePrompt(order[begin]!, order[end]!)) end++;
      if (end - begin === 1) continue;
      const group = order.subarray(begin, end);
      const answers = new Set([...group].map((row) => this.#answers.at(row)));
      found.repeated += group.length - answers.size;
      if (answers.size > 1) {
        found.conflicting += group.length;
        found.conflicts++;
        if (conflictExamples.length < EXAMPLES) conflictExamples.push(this.#places(group));
      } else if (repeatedExamples.length < EXAMPLES) repeatedExamples.push(this.#places(group));
    }
    return { ...found, conflictExamples, repeatedExamples };
  }

  #samePrompt(a: number, b: number): boolean {
    return this.#high.at(a) === this.#high.at(b) && this.#low.at(a) === this.#low.at(b);
  }

  #places(rows: Uint32Array): string[] {
    return [...rows.subarray(0, PLACES)].map((row) => `${this.#fileNames[this.#files.at(row)]}:${this.#lines.at(row)}`);
  }
}
