import { UserError } from "../../base/errors.ts";

/** 4096² cells of eight bytes are 128 MiB: beyond that a matrix is not the way to look at labels. */
const MAX_CLASSES = 4096;

/**
 * How often class i was answered with class j: the one thing that the metrics of a classifier need, in memory that
 * depends on the number of classes and never on the number of rows.
 */
export class ConfusionMatrix {
  readonly classes: number;
  /** [classes, classes], row-major: rows are the true class, columns the predicted one. */
  readonly counts: Float64Array;
  readonly #supports: Float64Array;
  readonly #predictions: Float64Array;
  #total = 0;

  /** @throws UserError for more classes than a matrix can hold. */
  constructor(classes: number) {
    if (classes > MAX_CLASSES) {
      throw new UserError({
        code: "evaluate/too-many-labels",
        message: `${classes} labels are more than a confusion matrix is kept for (${MAX_CLASSES})`,
        fix: "evaluate on fewer labels",
      });
    }
    this.classes = classes;
    this.counts = new Float64Array(classes * classes);
    this.#supports = new Float64Array(classes);
    this.#predictions = new Float64Array(classes);
  }

  /** A matrix with the given rows, each as long as there are rows. */
  static from(rows: readonly (readonly number[])[]): ConfusionMatrix {
    const matrix = new ConfusionMatrix(rows.length);
    for (const [target, row] of rows.entries()) {
      for (const [predicted, count] of row.entries()) matrix.add(target, predicted, count);
    }
    return matrix;
  }

  add(target: number, predicted: number, times = 1): void {
    this.counts[target * this.classes + predicted]! += times;
    this.#supports[target]! += times;
    this.#predictions[predicted]! += times;
    this.#total += times;
  }

  clear(): void {
    this.counts.fill(0);
    this.#supports.fill(0);
    this.#predictions.fill(0);
    this.#total = 0;
  }

  /** Rows counted. */
  get total(): number {
    return this.#total;
  }

  /** Rows of class `c` that were predicted as `c`. */
  truePositives(c: number): number {
    return this.counts[c * this.classes + c]!;
  }

  /** Rows whose true class is `c`. */
  support(c: number): number {
    return this.#supports[c]!;
  }

  /** Rows whose predicted class is `c`. */
  predictions(c: number): number {
    return this.#predictions[c]!;
  }

  /** The counts as nested arrays, for JSON. */
  toRows(): number[][] {
    return Array.from({ length: this.classes }, (_, target) =>
      Array.from(this.counts.subarray(target * this.classes, (target + 1) * this.classes)),
    );
  }
}
