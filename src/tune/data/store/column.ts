type Numbers = Float64Array | Int32Array | Uint32Array;

/** Values of a part; a power of two. */
const PART = 1 << 16;

/** A list of numbers that grows without being copied; a few bytes a value, outside V8's heap. */
export class Column<T extends Numbers = Numbers> {
  readonly #parts: T[] = [];
  readonly #create: (length: number) => T;
  #length = 0;

  /** @param create makes a part, all zero */
  constructor(create: (length: number) => T) {
    this.#create = create;
  }

  static f64(): Column<Float64Array> {
    return new Column((length) => new Float64Array(length));
  }

  static i32(): Column<Int32Array> {
    return new Column((length) => new Int32Array(length));
  }

  static u32(): Column<Uint32Array> {
    return new Column((length) => new Uint32Array(length));
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#parts.length * PART) this.#parts.push(this.#create(PART));
    this.#parts[this.#length >>> 16]![this.#length & (PART - 1)] = value;
    this.#length++;
  }

  at(index: number): number {
    return this.#parts[index >>> 16]![index & (PART - 1)]!;
  }
}
