/** What was compared, the worst error seen, and whether it is within the tolerance for f32. */
export interface ComparisonRow {
  readonly quantity: string;
  readonly worst: number;
  readonly tolerance: number;
  readonly verdict: "ok" | "miss";
}

/** The tolerances of f32; each error is scaled so that it can be held against one number. */
export class Comparison {
  readonly #rows = new Map<string, ComparisonRow>();

  /** |a - e| against 1e-4 + 1e-4 · |e|. */
  logits(quantity: string, actual: Float32Array, expected: Float32Array): void {
    this.#sameLength(quantity, actual, expected);
    let worst = 0;
    actual.forEach((value, i) => {
      worst = larger(worst, Math.abs(value - expected[i]!) / (1 + Math.abs(expected[i]!)));
    });
    this.#note(quantity, worst, 1e-4);
  }

  /** Relative. */
  loss(quantity: string, actual: number, expected: number): void {
    this.#note(quantity, Math.abs(actual - expected) / Math.max(Math.abs(expected), 1), 1e-5);
  }

  /** The norm of the difference, of the expected tensor's norm. */
  gradient(quantity: string, actual: Float32Array, expected: Float32Array): void {
    this.#sameLength(quantity, actual, expected);
    const difference = Float64Array.from(actual, (value, i) => value - expected[i]!);
    this.#note(quantity, norm(difference) / Math.max(norm(expected), 1e-30), 1e-3);
  }

  /** The norm of a gradient against the expected norm. */
  norm(quantity: string, actual: Float32Array, expected: number): void {
    this.#note(quantity, Math.abs(norm(actual) - expected) / Math.max(expected, 1e-30), 1e-3);
  }

  /**
   * A parameter after one step of AdamW: |a - e|, of the largest value. The first step moves by the sign of the gradient,
   * which has none where it is nothing but rounding: the bias of a key shifts all scores of a query alike.
   */
  parameter(quantity: string, actual: Float32Array, expected: Float32Array, gradient: Float32Array): void {
    this.#sameLength(quantity, actual, expected);
    const noise = 1e-6 * norm(gradient);
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
    let worst = 0;
    actual.forEach((value, i) => {
      if (!(Math.abs(gradient[i]!) <= noise)) worst = larger(worst, Math.abs(value - expected[i]!) / largest);
    });
    this.#note(quantity, worst, 1e-3);
  }

  rows(): ComparisonRow[] {
    return [...this.#rows.values()];
  }

  #note(quantity: string, error: number, tolerance: number): void {
    const worst = larger(this.#rows.get(quantity)?.worst ?? 0, error);
    this.#rows.set(quantity, { quantity, worst, tolerance, verdict: worst <= tolerance ? "ok" : "miss" });
  }

  #sameLength(quantity: string, actual: Float32Array, expected: Float32Array): void {
    if (actual.length !== expected.length) this.#note(quantity, Number.POSITIVE_INFINITY, 0);
  }
}

/** The larger one; not a number counts as infinitely large. */
function larger(a: number, b: number): number {
  return Number.isNaN(b) ? Number.POSITIVE_INFINITY : Math.max(a, b);
}

function norm(values: Float32Array | Float64Array): number {
  let squares = 0;
  for (const value of values) squares += value ** 2;
  return Math.sqrt(squares);
}
