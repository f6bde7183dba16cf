import type { Row, RowMarks } from "./example.ts";

/** Rows of a set by position, wherever they lie. */
export interface Rows {
  readonly length: number;
  /** Paths of files by number, as payloads name them. */
  readonly files: readonly string[];
  /** The whole row; cheapest in ascending order. */
  row(index: number): Row;
  /** The row as it is stored, without its marks; a view that is valid until the next call. See `RowBatch`. */
  payload(index: number): Uint8Array;
  /** What decides what the row counts, without reading the row. */
  marks(index: number): RowMarks;
  /** Index of its label, without reading the row. */
  label(index: number): number | undefined;
  /** `file:line`. */
  where(index: number): string;
}

/** Some rows of others, in any order, also repeated. */
export class SelectedRows implements Rows {
  readonly #rows: Rows;
  readonly #indices: Uint32Array;

  constructor(rows: Rows, indices: ArrayLike<number>) {
    const inner = rows instanceof SelectedRows ? rows : undefined;
    this.#rows = inner ? inner.#rows : rows;
    this.#indices = new Uint32Array(indices.length);
    for (let i = 0; i < indices.length; i++) this.#indices[i] = inner ? inner.#indices[indices[i]!]! : indices[i]!;
  }

  get length(): number {
    return this.#indices.length;
  }

  get files(): readonly string[] {
    return this.#rows.files;
  }

  /** Where a row stands among the others. */
  position(index: number): number {
    return this.#indices[index]!;
  }

  row(index: number): Row {
    return this.#rows.row(this.#indices[index]!);
  }

  payload(index: number): Uint8Array {
    return this.#rows.payload(this.#indices[index]!);
  }

  marks(index: number): RowMarks {
    return this.#rows.marks(this.#indices[index]!);
  }

  label(index: number): number | undefined {
    return this.#rows.label(this.#indices[index]!);
  }

  where(index: number): string {
    return this.#rows.where(this.#indices[index]!);
  }
}
