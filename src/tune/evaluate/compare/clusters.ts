/** Rows that are drawn together: those of one group, or each by itself. */
export class Clusters {
  readonly rows: number;
  /** How many there are. */
  readonly count: number;
  /** [rows] which cluster a row is in; undefined when each is its own. */
  readonly #of: Int32Array | undefined;

  private constructor(rows: number, count: number, of: Int32Array | undefined) {
    this.rows = rows;
    this.count = count;
    this.#of = of;
  }

  /** Every row by itself. */
  static single(rows: number): Clusters {
    return new Clusters(rows, rows, undefined);
  }

  /** Rows with the same key together. */
  static by(keys: readonly string[]): Clusters {
    const indices = new Map<string, number>();
    const of = Int32Array.from(keys, (key) => {
      const index = indices.get(key) ?? indices.size;
      indices.set(key, index);
      return index;
    });
    return new Clusters(keys.length, indices.size, of);
  }

  get grouped(): boolean {
    return this.#of !== undefined;
  }

  clusterOf(row: number): number {
    return this.#of === undefined ? row : this.#of[row]!;
  }

  /** [clusters] sum over each cluster's rows. */
  sums(values: Float64Array): Float64Array {
    const sums = new Float64Array(this.count);
    for (let row = 0; row < this.rows; row++) sums[this.clusterOf(row)]! += values[row]!;
    return sums;
  }

  /** Some of the rows, in the same groups; groups without rows are gone. */
  subset(rows: readonly number[]): Clusters {
    if (this.#of === undefined) return Clusters.single(rows.length);
    return Clusters.by(rows.map((row) => String(this.#of![row]!)));
  }
}
