/** Whole numbers that are only appended, four bytes each, whatever their count. */
export class NumberList {
  #values = new Int32Array(1024);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Int32Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  get length(): number {
    return this.#length;
  }

  at(index: number): number {
    return this.#values[index]!;
  }

  /** A copy in ascending order. */
  sorted(): Int32Array {
    return this.#values.slice(0, this.#length).sort();
  }
}
