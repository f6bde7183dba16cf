import type { Row, RowMarks } from "./example.ts";
import type { Rows } from "./rows.ts";
import { RowBatchWriter } from "./store/row-batch.ts";

/** A set of one row, which is looked at once and not kept. */
export class RowAtHand implements Rows {
  readonly length: number = 1;
  readonly files: readonly string[];
  readonly #row: Row;

  constructor(row: Row) {
    this.#row = row;
    this.files = [row.file];
  }

  row(): Row {
    return this.#row;
  }

  payload(): Uint8Array {
    const writer = new RowBatchWriter();
    writer.push(this.#row, 0);
    return writer.take().bytes;
  }

  marks(): RowMarks {
    const { label, labels, asked, weight } = this.#row;
    return {
      label,
      ...(labels && { labels }),
      ...(asked !== undefined && { asked }),
      ...(weight !== undefined && { weight }),
    };
  }

  label(): number | undefined {
    return this.#row.label;
  }

  where(): string {
    return `${this.#row.file}:${this.#row.line}`;
  }
}
