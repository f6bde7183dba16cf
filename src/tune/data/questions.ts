/**
 * Several labels a row, without a class head: each label is a question of its own about the row, to be answered with yes or
 * no. The questions of a row follow each other; what they have in common is computed once (docs/architecture.md, "Packs").
 */
import type { Row, RowMarks } from "./example.ts";
import { Labels } from "./labels.ts";
import type { Rows } from "./rows.ts";
import { askedField } from "./shape.ts";

export const answers: Labels = Labels.declared(["no", "yes"]);

/** Index of `yes` among the answers. */
export const YES = 1;

/** Every row once for each label; its answer is known where the row's labels are. */
export class Questions implements Rows {
  readonly #rows: Rows;
  readonly #names: readonly string[];

  constructor(rows: Rows, names: readonly string[]) {
    this.#rows = rows;
    this.#names = names;
  }

  get length(): number {
    return this.#rows.length * this.#names.length;
  }

  get files(): readonly string[] {
    return this.#rows.files;
  }

  row(index: number): Row {
    const { labels: _, ...row } = this.#rows.row(this.#textOf(index));
    return askedRow({ ...row, ...this.marks(index) }, this.#names);
  }

  payload(index: number): Uint8Array {
    return this.#rows.payload(this.#textOf(index));
  }

  marks(index: number): RowMarks {
    const asked = index % this.#names.length;
    const { labels, weight } = this.#rows.marks(this.#textOf(index));
    const label = labels && (labels.includes(asked) ? YES : 1 - YES);
    return { label, asked, ...(weight !== undefined && { weight }) };
  }

  label(index: number): number | undefined {
    return this.marks(index).label;
  }

  where(index: number): string {
    return this.#rows.where(this.#textOf(index));
  }

  #textOf(index: number): number {
    return Math.floor(index / this.#names.length);
  }
}

/** A row with the label that it asks about among its values. */
export function askedRow(row: Row, names: readonly string[]): Row {
  return row.asked === undefined ? row : { ...row, values: { ...row.values, [askedField]: names[row.asked]! } };
}
