import { UserError } from "../../base/errors.ts";
import { accuracy } from "./accuracy.ts";
import { macroAverage, microAverage, weightedAverage } from "./averages.ts";
import { type BootstrapOptions, bootstrap, type Interval } from "./bootstrap.ts";
import { classScores } from "./class-scores.ts";
import { ConfusionMatrix } from "./confusion-matrix.ts";
import { LogLoss } from "./log-loss.ts";

/** One row as a classifier saw it. */
export interface ScoredRow {
  /** Index of the true label. */
  readonly target: number;
  /** [labels] probability of each label, given that the answer is one of them: sums to one. */
  readonly probabilities: Float64Array;
  /** Probability that the model gave to everything that is no label. */
  readonly outside: number;
}

export interface ClassEvaluation {
  readonly label: string;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly support: number;
}

/** What is known of a classifier after one pass over a set; plain JSON. */
export interface Evaluation {
  readonly rows: number;
  readonly accuracy: number;
  /** 95 % bootstrap interval, as all intervals here. */
  readonly accuracyInterval: Interval;
  readonly macroF1: number;
  readonly macroF1Interval: Interval;
  readonly microF1: number;
  readonly weightedF1: number;
  /** Nats a row. */
  readonly logLoss: number;
  /** Mean probability mass that the model put outside the labels. */
  readonly outsideMass: number;
  readonly perClass: readonly ClassEvaluation[];
  /** Rows of the matrix are true labels, columns predicted ones; not with several labels a row. */
  readonly confusion?: { readonly labels: readonly string[]; readonly matrix: readonly (readonly number[])[] };
  readonly seconds: number;
  readonly examplesPerSecond: number;
}

/** Probabilities are sums of float32 exponentials: this far from one is rounding, farther is not a distribution. */
const SUM_TOLERANCE = 1e-3;

/**
 * Turns scored rows into an `Evaluation` without keeping them. Its clock starts when it is made, so make it right
 * before the first row is scored.
 */
export class Evaluator {
  readonly #labels: readonly string[];
  readonly #options: BootstrapOptions;
  readonly #matrix: ConfusionMatrix;
  readonly #logLoss = new LogLoss();
  readonly #start = performance.now();
  #outside = 0;

  constructor(labels: readonly string[], options: BootstrapOptions = {}) {
    this.#labels = labels;
    this.#options = options;
    this.#matrix = new ConfusionMatrix(labels.length);
  }

  /**
   * Counts a row and says which label it was given: the most probable one, the first of equals.
   * @throws UserError when the model's answer is not a number.
   */
  add({ target, probabilities, outside }: ScoredRow): number {
    let sum = 0;
    for (const probability of probabilities) sum += probability;
    if (Number.isNaN(sum + outside)) {
      throw new UserError({
        code: "evaluate/not-a-number",
        message: `the model gives no probabilities (NaN) for row ${this.#matrix.total + 1}`,
        fix: "its weights have diverged: train again with a lower learning rate or gradient clipping",
      });
    }
    if (Math.abs(sum - 1) > SUM_TOLERANCE) throw new RangeError(`label probabilities sum to ${sum}, not to one`);
    const predicted = indexOfMaximum(probabilities);
    this.#matrix.add(target, predicted);
    this.#logLoss.add(probabilities[target]!);
    this.#outside += outside;
    return predicted;
  }

  /** @throws UserError when there were no rows. */
  finish(): Evaluation {
    const seconds = (performance.now() - this.#start) / 1000;
    const matrix = this.#matrix;
    if (matrix.total === 0) {
      throw new UserError({
        code: "evaluate/no-rows",
        message: "there is no row to evaluate on",
        fix: "check the data file with `fettle inspect`",
      });
    }
    const macroF1 = (counts: ConfusionMatrix): number => macroAverage(counts).f1;
    const intervals = bootstrap(matrix, { accuracy, macroF1 }, this.#options);
    return {
      rows: matrix.total,
      accuracy: accuracy(matrix),
      accuracyInterval: intervals.accuracy,
      macroF1: macroF1(matrix),
      macroF1Interval: intervals.macroF1,
      microF1: microAverage(matrix).f1,
      weightedF1: weightedAverage(matrix).f1,
      logLoss: this.#logLoss.value(),
      outsideMass: this.#outside / matrix.total,
      perClass: this.#labels.map((label, c) => ({ label, ...classScores(matrix, c), support: matrix.support(c) })),
      confusion: { labels: [...this.#labels], matrix: matrix.toRows() },
      seconds,
      examplesPerSecond: matrix.total / seconds,
    };
  }
}

function indexOfMaximum(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
