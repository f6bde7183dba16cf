import type { Precision } from "../../src/engine/device/device.ts";

/** What was compared, the worst error seen, and whether it is within the tolerance. */
export interface ComparisonRow {
  readonly quantity: string;
  readonly worst: number;
  readonly tolerance: number;
  readonly verdict: "ok" | "miss";
}

interface Tolerances {
  readonly logits: number;
  readonly loss: number;
  readonly tensor: number;
  readonly gradients: number;
  readonly noise: number;
}

/**
 * By what the device computes in; `tensor` is for the gradient of one tensor. Small tensors have gradients that come out
 * of sums of much larger parts, which bf16 rounds: PyTorch's own in bf16 are up to a tenth off. All gradients together
 * are held to `gradients`. `noise`: the share of that norm below which a tensor's own is rounding.
 */
const tolerances: Readonly<Record<Precision, Tolerances>> = {
  f32: { logits: 1e-4, loss: 1e-5, tensor: 1e-3, gradients: 1e-3, noise: 1e-4 },
  bf16: { logits: 3e-2, loss: 1e-2, tensor: 0.12, gradients: 3e-2, noise: 1e-2 },
};

/** Each error is scaled so that it can be held against one number. */
export class Comparison {
  readonly #precision: Precision;
  readonly #rows = new Map<string, ComparisonRow>();
  /** Norms over all tensors of a quantity. */
  readonly #gradients = new Map<string, readonly { readonly difference: number; readonly expected: number }[]>();

  constructor(precision: Precision) {
    this.#precision = precision;
  }

  /** |a - e| against 1e-4 + 1e-4 · |e| in f32, of the row's largest less its smallest value in bf16. */
  logits(quantity: string, actual: Float32Array, expected: Float32Array, vocabulary: number): void {
    this.#sameLength(quantity, actual, expected);
    let worst = 0;
    for (let row = 0; row < expected.length; row += vocabulary) {
      const wanted = expected.subarray(row, row + vocabulary);
      const spread = Math.max(...wanted) - Math.min(...wanted);
      wanted.forEach((value, i) => {
        const scale = this.#precision === "f32" ? 1 + Math.abs(value) : spread;
        worst = larger(worst, Math.abs(actual[row + i]! - value) / scale);
      });
    }
    this.#note(quantity, worst, this.#tolerance.logits);
  }

  /** Relative. */
  loss(quantity: string, actual: number, expected: number): void {
    this.#note(quantity, Math.abs(actual - expected) / Math.max(Math.abs(expected), 1), this.#tolerance.loss);
  }

  /**
   * The norm of the difference, of the expected tensor's norm; of a share of the norm of all gradients where that is larger:
   * some are nothing but rounding, such as that of a key's bias, which shifts all scores of a query alike.
   */
  gradient(quantity: string, actual: Float32Array, expected: Float32Array): void {
    this.#sameLength(quantity, actual, expected);
    const difference = norm(Float64Array.from(actual, (value, i) => value - expected[i]!));
    const all = this.#gradients.get(quantity) ?? [];
    this.#gradients.set(quantity, [...all, { difference, expected: norm(expected) }]);
  }

  /** The norm of a gradient against the expected norm. */
  norm(quantity: string, actual: Float32Array, expected: number): void {
    this.#note(quantity, Math.abs(norm(actual) - expected) / Math.max(expected, 1e-30), this.#tolerance.tensor);
  }

  /**
   * A parameter after one step of AdamW: |a - e|, of the largest value. The first step moves by the sign of the gradient,
   * which has none where it is nothing but rounding: the bias of a key shifts all scores of a query alike. In bf16 that is so
   * of too many values to compare.
   */
  parameter(quantity: string, actual: Float32Array, expected: Float32Array, gradient: Float32Array): void {
    if (this.#precision === "bf16") return;
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
    for (const [quantity, tensors] of this.#gradients) {
      const difference = Math.hypot(...tensors.map((tensor) => tensor.difference));
      const expected = Math.hypot(...tensors.map((tensor) => tensor.expected));
      for (const tensor of tensors) {
        const size = Math.max(tensor.expected, this.#tolerance.noise * expected, 1e-30);
        this.#note(quantity, tensor.difference / size, this.#tolerance.tensor);
      }
      this.#note(`${quantity}, all`, difference / expected, this.#tolerance.gradients);
    }
    return [...this.#rows.values()];
  }

  get #tolerance(): (typeof tolerances)[Precision] {
    return tolerances[this.#precision];
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
