import type { Row } from "./example.ts";

/** Rows of a set by position, wherever they lie. */
export interface Rows {
  readonly length: number;
  /** The whole row; cheapest in ascending order. */
  row(index: number): Row;
  /** Index of its label, without reading the row. */
  label(index: number): number | undefined;
  /** `file:line`, without reading the row. */
  where(index: number): string;
}

/** Rows at hand. */
export class RowList implements Rows {
  readonly #rows: readonly Row[];

  constructor(rows: readonly Row[]) {
    this.#rows = rows;
  }

  get length(): number {
    return this.#rows.length;
  }

  row(index: number): Row {
    return this.#rows[index]!;
  }

  label(index: number): number | undefined {
    return this.#rows[index]!.label;
  }

  where(index: number): string {
    const { file, line } = this.#rows[index]!;
    return `${file}:${line}`;
  }
}

/** Some rows of others, in any order, also repeated. */
export class SelectedRows implements Rows {
  readonly #rows: Rows;
  readonly #indices: Uint32Array;

  constructor(rows: Rows, indices: ArrayLike<number>) {
    const inner = rows instanceof SelectedRows ? rows : undefined;
    this.#rows = inner ? inner.#rows : rows;
    this.#indices = Uint32Array.from(indices, (index) => (inner ? inner.#indices[index]! : index));
  }

  get length(): number {
    return this.#indices.length;
  }

  row(index: number): Row {
    return this.#rows.row(this.#indices[index]!);
  }

  label(index: number): number | undefined {
    return this.#rows.label(this.#indices[index]!);
  }

  where(index: number): string {
    return this.#rows.where(this.#indices[index]!);
  }
}
