import { ByteLog } from "../../tune/data/store/byte-log.ts";
import { Column } from "../../tune/data/store/column.ts";
import { defaultScratch } from "../../tune/data/store/scratch-file.ts";

/** Things to send, in memory or on disk, with what they are ordered by: sixteen bytes of each stay in memory. */
export class TaskQueue {
  readonly #log = new ByteLog(defaultScratch);
  readonly #ends = Column.f64();
  readonly #ranks = Column.f64();

  get length(): number {
    return this.#ends.length;
  }

  /** @param rank the smallest comes first; of equals the one that was pushed first */
  push(value: unknown, rank: number): void {
    this.#log.append(Buffer.from(JSON.stringify(value)));
    this.#ends.push(this.#log.length);
    this.#ranks.push(rank);
  }

  /**
   * In order, in batches.
   * @param most how many at all
   */
  *batches(most: number, perBatch: number, bytesPerBatch: number): Generator<unknown[]> {
    const order = Array.from({ length: this.length }, (_, i) => i);
    order.sort((a, b) => this.#ranks.at(a) - this.#ranks.at(b) || a - b);
    let batch: unknown[] = [];
    let bytes = 0;
    for (const index of order.slice(0, most)) {
      const begin = index === 0 ? 0 : this.#ends.at(index - 1);
      const end = this.#ends.at(index);
      if (batch.length === perBatch || (batch.length > 0 && bytes + end - begin > bytesPerBatch)) {
        yield batch;
        batch = [];
        bytes = 0;
      }
      batch.push(JSON.parse(Buffer.from(this.#log.read(begin, end)).toString("utf8")));
      bytes += end - begin;
    }
    if (batch.length > 0) yield batch;
  }
}
