import type { Row, RowMarks } from "../example.ts";
import type { Rows } from "../rows.ts";
import { ByteLog } from "./byte-log.ts";
import { Column } from "./column.ts";
import { placeOf, type RowBatch, RowBatchWriter, rowOf } from "./row-batch.ts";
import { defaultScratch, type Scratch } from "./scratch-file.ts";

const NONE = -1;

/** Rows in memory, or in a file when they are many; twelve bytes a row stay in memory, and what is known of its labels. */
export class RowStore implements Rows {
  readonly #files: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #log: ByteLog;
  readonly #ends = Column.f64();
  readonly #labels = Column.i32();
  /** Of rows that have one; the place of a row's is its index. */
  #weights: Column<Float64Array> | undefined;
  /** Where the list of each row ends among all; made with the first list. */
  #listEnds: Column<Uint32Array> | undefined;
  readonly #listed = Column.u32();

  constructor(scratch: Scratch = defaultScratch) {
    this.#log = new ByteLog(scratch);
  }

  /** Rows at hand. */
  static of(rows: Iterable<Row>, scratch?: Scratch): RowStore {
    const store = new RowStore(scratch);
    store.append(rows);
    return store;
  }

  /** Paths of files by number, as rows name them. */
  get files(): readonly string[] {
    return this.#files;
  }

  get length(): number {
    return this.#ends.length;
  }

  /** Bytes of all rows. */
  get bytes(): number {
    return this.#log.length;
  }

  /** Appends rows. @throws UserError when the disk is full */
  append(rows: Iterable<Row>): void {
    const writer = new RowBatchWriter();
    for (const row of rows) writer.push(row, this.#numberOf(row.file));
    this.appendBatch(writer.take());
  }

  /** Appends rows whose files are numbered as here. @throws UserError when the disk is full */
  appendBatch({ bytes, ends, marks }: RowBatch): void {
    const begin = this.#log.length;
    this.#log.append(bytes);
    for (let i = 0; i < ends.length; i++) {
      this.#mark(marks[i]!);
      this.#ends.push(begin + ends[i]!);
    }
  }

  payload(index: number): Uint8Array {
    return this.#log.read(index === 0 ? 0 : this.#ends.at(index - 1), this.#ends.at(index));
  }

  row(index: number): Row {
    return rowOf(this.payload(index), this.marks(index), this.#files);
  }

  label(index: number): number | undefined {
    const label = this.#labels.at(index);
    return label === NONE ? undefined : label;
  }

  marks(index: number): RowMarks {
    const label = this.label(index);
    const labels = this.#listOf(index);
    const weight = this.#weights?.at(index);
    return {
      label,
      ...(labels && { labels }),
      ...(weight !== undefined && !Number.isNaN(weight) && { weight }),
    };
  }

  where(index: number): string {
    const { file, line } = placeOf(this.payload(index));
    return `${this.#files[file]}:${line}`;
  }

  #numberOf(file: string): number {
    const known = this.#numbers.get(file);
    if (known !== undefined) return known;
    this.#numbers.set(file, this.#files.length);
    return this.#files.push(file) - 1;
  }

  #mark({ label, labels, weight }: RowMarks): void {
    const index = this.#labels.length;
    this.#labels.push(label ?? NONE);
    if (weight !== undefined) this.#weights ??= filled(Column.f64(), index, Number.NaN);
    this.#weights?.push(weight ?? Number.NaN);
    if (labels !== undefined) this.#listEnds ??= filled(Column.u32(), index, 0);
    if (this.#listEnds === undefined) return;
    for (const member of labels ?? []) this.#listed.push(member);
    // A list is followed by its length, so that an empty one differs from none.
    if (labels !== undefined) this.#listed.push(labels.length);
    this.#listEnds.push(this.#listed.length);
  }

  #listOf(index: number): readonly number[] | undefined {
    if (this.#listEnds === undefined) return undefined;
    const begin = index === 0 ? 0 : this.#listEnds.at(index - 1);
    const end = this.#listEnds.at(index);
    return end === begin ? undefined : Array.from({ length: end - begin - 1 }, (_, i) => this.#listed.at(begin + i));
  }
}

function filled<T extends Float64Array | Uint32Array>(column: Column<T>, count: number, value: number): Column<T> {
  for (let i = 0; i < count; i++) column.push(value);
  return column;
}
