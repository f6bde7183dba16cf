import type { Row, RowMarks } from "./example.ts";
import { askedRow } from "./questions.ts";
import type { Rows } from "./rows.ts";
import { placeOf, type RowBatch, RowBatchWriter, rowOf } from "./store/row-batch.ts";

/** Rows `first` up to `end` of others. */
export function batchOf(rows: Pick<Rows, "payload" | "marks">, first: number, end: number): RowBatch {
  const writer = new RowBatchWriter();
  for (let i = first; i < end; i++) writer.copy(rows.payload(i), rows.marks(i));
  return writer.take();
}

/** The rows of a batch. */
export class BatchRows implements Rows {
  readonly files: readonly string[];
  readonly #batch: RowBatch;
  readonly #asked: readonly string[];

  /** @param asked names of the labels that rows ask about, where each label of a row is a question of its own */
  constructor(batch: RowBatch, files: readonly string[], asked: readonly string[]) {
    this.#batch = batch;
    this.files = files;
    this.#asked = asked;
  }

  get length(): number {
    return this.#batch.ends.length;
  }

  row(index: number): Row {
    return askedRow(rowOf(this.payload(index), this.marks(index), this.files), this.#asked);
  }

  payload(index: number): Uint8Array {
    const { bytes, ends } = this.#batch;
    return bytes.subarray(index === 0 ? 0 : ends[index - 1]!, ends[index]!);
  }

  marks(index: number): RowMarks {
    return this.#batch.marks[index]!;
  }

  label(index: number): number | undefined {
    return this.marks(index).label;
  }

  where(index: number): string {
    const { file, line } = placeOf(this.payload(index));
    return `${this.files[file]}:${line}`;
  }
}
