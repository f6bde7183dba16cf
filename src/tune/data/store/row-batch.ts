import type { Row, RowMarks } from "../example.ts";

/** Rows as bytes: how they are stored, and how they travel between threads. */
export interface RowBatch {
  /** The rows' payloads, one after the other. */
  readonly bytes: Uint8Array;
  /** Where each payload ends in `bytes`. */
  readonly ends: Uint32Array;
  readonly marks: readonly RowMarks[];
}

/** Of a payload: number of the file, line, both u32, then JSON of the rest of the row. */
const HEADER = 8;

const encoder = new TextEncoder();

/** Collects rows into a batch. */
export class RowBatchWriter {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #ends: number[] = [];
  #marks: RowMarks[] = [];

  get length(): number {
    return this.#ends.length;
  }

  /** @param file number of the row's file */
  push({ file: _, line, values, messages, tools, groups, ...marks }: Row, file: number): void {
    const text = JSON.stringify({ values, messages, tools, groups });
    // A UTF-16 unit takes three bytes at most.
    this.#reserve(HEADER + 3 * text.length);
    this.#view.setUint32(this.#length, file, true);
    this.#view.setUint32(this.#length + 4, line, true);
    this.#length += HEADER + encoder.encodeInto(text, this.#bytes.subarray(this.#length + HEADER)).written;
    this.#ends.push(this.#length);
    this.#marks.push(marks);
  }

  /** A payload as it is stored. */
  copy(payload: Uint8Array, marks: RowMarks): void {
    this.#reserve(payload.length);
    this.#bytes.set(payload, this.#length);
    this.#length += payload.length;
    this.#ends.push(this.#length);
    this.#marks.push(marks);
  }

  /** The rows so far; the next batch begins empty. */
  take(): RowBatch {
    const batch = { bytes: this.#bytes.slice(0, this.#length), ends: Uint32Array.from(this.#ends), marks: this.#marks };
    this.#length = 0;
    this.#ends = [];
    this.#marks = [];
    return batch;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

const decoder = new TextDecoder();

/** What the JSON of a payload holds. */
type Stored = Pick<Row, "values" | "messages" | "tools" | "groups">;

/** The row of a payload. @param files by number */
export function rowOf(payload: Uint8Array, marks: RowMarks, files: readonly string[]): Row {
  const { file, line } = placeOf(payload);
  const rest = JSON.parse(decoder.decode(payload.subarray(HEADER))) as Stored;
  return { file: files[file]!, line, ...marks, ...rest };
}

/** Number of its file, and its line. */
export function placeOf(payload: Uint8Array): { readonly file: number; readonly line: number } {
  const view = new DataView(payload.buffer, payload.byteOffset, HEADER);
  return { file: view.getUint32(0, true), line: view.getUint32(4, true) };
}
