import { answerOf, type Example, exampleOf, type Row, type RowMarks } from "./example.ts";
import type { Labels } from "./labels.ts";
import { type ProblemGroup, Problems } from "./problems.ts";
import { type Rows, SelectedRows } from "./rows.ts";
import type { Shape } from "./shape.ts";

/**
 * Examples of one or several files, in file order. Rows are kept as their fields, in memory or on disk; examples are made
 * when asked for.
 */
export class Dataset {
  readonly name: string;
  readonly shape: Shape;
  /** Undefined when the task is no classification. */
  readonly labels: Labels | undefined;
  /** Where each label of a row is a question of its own, the labels asked about; `labels` are the answers then. */
  readonly asked: Labels | undefined;
  /** What was skipped or repaired while reading. */
  readonly problems: readonly ProblemGroup[];
  readonly skipped: number;
  readonly #rows: Rows;
  readonly #source: Problems;

  constructor(name: string, shape: Shape, labels: Labels | undefined, rows: Rows, problems: Problems, asked?: Labels) {
    this.name = name;
    this.shape = shape;
    this.labels = labels;
    this.asked = asked;
    this.#rows = rows;
    this.#source = problems;
    this.problems = problems.groups();
    this.skipped = problems.skipped;
  }

  get length(): number {
    return this.#rows.length;
  }

  /**
   * The example of a row; without a known label, its conversation ends with the user's turn.
   * @param row what to take in place of the row, such as the same with its document cut
   */
  example(index: number, row: Row = this.row(index)): Example {
    return exampleOf(row, this.shape, this.labels?.names ?? []);
  }

  /** A row as it was read; cheapest in ascending order. */
  row(index: number): Row {
    return this.#rows.row(index);
  }

  /** Paths of the files that rows come from, by number; see `RowBatch`. */
  get files(): readonly string[] {
    return this.#rows.files;
  }

  /** A row as it is stored, without its marks; a view that is valid until the next call. */
  payload(index: number): Uint8Array {
    return this.#rows.payload(index);
  }

  /** What decides what a row counts; cheap in any order. */
  marks(index: number): RowMarks {
    return this.#rows.marks(index);
  }

  /** All rows in order, one at a time. */
  *rows(): Generator<Row> {
    for (let index = 0; index < this.length; index++) yield this.row(index);
  }

  /** Index of a row's label; cheap in any order. */
  label(index: number): number | undefined {
    return this.#rows.label(index);
  }

  /** How many rows, one after the other, are questions about the same text. */
  get together(): number {
    return this.asked?.names.length ?? 1;
  }

  /** What the assistant would write to a row, label by label, in the order of `labels.names`. */
  answers(index: number): readonly string[] {
    const row = this.row(index);
    return (this.labels?.names ?? []).map((name) => answerOf(row, this.shape, name));
  }

  /** `file:line` of a row. */
  where(index: number): string {
    return this.#rows.where(index);
  }

  /** Where a row stood in the set that was read, of which this may be a part. */
  position(index: number): number {
    return this.#rows instanceof SelectedRows ? this.#rows.position(index) : index;
  }

  /**
   * Some of the rows under another name: four bytes each, the rows themselves are shared.
   * @param indices in any order, also repeated; questions about the same text must stay together
   * @param part `rest`: what the files' problems are counted for; `piece`: rows taken from it, without problems
   */
  subset(name: string, indices: ArrayLike<number>, part: "rest" | "piece"): Dataset {
    const problems = part === "rest" ? this.#source : new Problems();
    const rows = new SelectedRows(this.#rows, indices);
    return new Dataset(name, this.shape, this.labels, rows, problems, this.asked);
  }
}
