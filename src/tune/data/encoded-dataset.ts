import { commonLength } from "./forest.ts";
import type { EncodedExample } from "./pack.ts";
import type { ProblemGroup, Problems } from "./problems.ts";
import { ByteLog } from "./store/byte-log.ts";
import { Column } from "./store/column.ts";
import { defaultScratch, type Scratch } from "./store/scratch-file.ts";

/** What an example has beside its tokens. */
export type Beside = Omit<EncodedExample, "ids" | "supervised">;

export interface EncodedDatasetOptions {
  readonly scratch?: Scratch | undefined;
  /** What the example of a row has beside its tokens; default: nothing. */
  readonly beside?: ((row: number) => Beside) | undefined;
}

/**
 * Examples as tokens, in memory, or in a file when they are many; twelve bytes an example stay in memory. What an example
 * has in common with the first one at its beginning, such as the instructions of a classification, is not stored again.
 *
 * A record is words of 32 bits: tokens shared with the first example, number of spans of targets, begin and end of each
 * span, the other tokens.
 */
export class EncodedDataset {
  readonly #log: ByteLog;
  readonly #ends = Column.f64();
  readonly #rows = Column.u32();
  readonly #lengths = Column.i32();
  readonly #beside: (row: number) => Beside;
  readonly #problems: Problems;
  #first = new Int32Array(0);
  #record = new Int32Array(1024);
  #tokens = 0;
  #supervisedTokens = 0;
  #highestId = 0;

  /** @param problems what was cut or skipped in encoding */
  constructor(problems: Problems, { scratch = defaultScratch, beside = () => ({}) }: EncodedDatasetOptions = {}) {
    this.#problems = problems;
    this.#log = new ByteLog(scratch);
    this.#beside = beside;
  }

  /**
   * @param row index of the example's row in its Dataset
   * @throws UserError when the disk is full
   */
  push({ ids, supervised }: Pick<EncodedExample, "ids" | "supervised">, row: number): void {
    if (this.length === 0) this.#first = ids.slice();
    const shared = commonLength(this.#first, ids);
    // Spans alternate with gaps, so that there are at most half as many as tokens.
    const longest = 2 + 2 * ids.length + 2;
    if (this.#record.length < longest) this.#record = new Int32Array(2 * longest);
    const record = this.#record;
    let length = 2;
    for (let begin = supervised.indexOf(1); begin >= 0; begin = supervised.indexOf(1, record[length - 1]!)) {
      const gap = supervised.indexOf(0, begin);
      const end = gap < 0 ? ids.length : gap;
      record[length++] = begin;
      record[length++] = end;
      this.#supervisedTokens += end - begin;
    }
    record[0] = shared;
    record[1] = (length - 2) / 2;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (id > this.#highestId) this.#highestId = id;
      if (i >= shared) record[length++] = id;
    }
    this.#log.append(new Uint8Array(record.buffer, 0, 4 * length));
    this.#ends.push(this.#log.length);
    this.#rows.push(row);
    this.#lengths.push(ids.length);
    this.#tokens += ids.length;
  }

  get problems(): readonly ProblemGroup[] {
    return this.#problems.groups();
  }

  get length(): number {
    return this.#ends.length;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** [examples] tokens of each. */
  lengths(): Int32Array {
    return Int32Array.from({ length: this.length }, (_, index) => this.#lengths.at(index));
  }

  get supervisedTokens(): number {
    return this.#supervisedTokens;
  }

  /** The highest token of all examples. */
  get highestId(): number {
    return this.#highestId;
  }

  /** The caller's own copy; cheapest in ascending order. */
  example(index: number): EncodedExample {
    const begin = index === 0 ? 0 : this.#ends.at(index - 1);
    const bytes = this.#log.read(begin, this.#ends.at(index));
    const record = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const shared = record[0]!;
    const spansEnd = 2 + 2 * record[1]!;
    const length = shared + record.length - spansEnd;
    // One piece of memory for both: making one takes longer than filling it.
    const memory = new ArrayBuffer(5 * length);
    const ids = new Int32Array(memory, 0, length);
    const first = this.#first;
    for (let i = 0; i < shared; i++) ids[i] = first[i]!;
    for (let i = shared, from = spansEnd; i < length; i++, from++) ids[i] = record[from]!;
    const supervised = new Uint8Array(memory, 4 * length, length);
    for (let i = 2; i < spansEnd; i += 2) supervised.fill(1, record[i], record[i + 1]);
    return { ids, supervised, ...this.#beside(this.row(index)) };
  }

  /** Index of the example's row in its Dataset. */
  row(index: number): number {
    return this.#rows.at(index);
  }
}
