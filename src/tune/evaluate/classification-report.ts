import type { LabelStanding } from "../../base/events.ts";
import { macroAverage, microAverage, weightedAverage } from "./averages.ts";
import { type BootstrapOptions, bootstrap, type Interval } from "./bootstrap.ts";
import { bootstrapRanking } from "./bootstrap-ranking.ts";
import { classScores } from "./class-scores.ts";
import { ConfusionMatrix } from "./confusion-matrix.ts";
import { curvesOf, type EvaluationCurves } from "./evaluation-curves.ts";
import { labelAreas, tellsApart } from "./label-areas.ts";
import { LogLoss } from "./log-loss.ts";
import { isOf, measureAll } from "./measure.ts";
import type { MetricValue } from "./metric.ts";
import { accuracyOf } from "./metrics/accuracy.ts";
import { metrics } from "./metrics.ts";
import { noRows, notANumber } from "./refuse-rows.ts";
import { ScoreTable } from "./score-table.ts";

/** One row as a classifier saw it. */
export interface ScoredRow {
  /** Index of the true label. */
  readonly target: number;
  /** [labels] probability of each label, given that the answer is one of them: sums to one. */
  readonly probabilities: Float64Array;
  /** Index of the label given; by default the most probable one, the first of equals. */
  readonly predicted?: number | undefined;
  /** Probability that the model gave to everything that is no label. */
  readonly outside: number;
}

export interface ClassEvaluation {
  readonly label: string;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly support: number;
  /** This label against the rest; null where no row is of it, or every row. */
  readonly rocAuc?: number | null;
  readonly averagePrecision?: number | null;
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
  /** Every metric that there is of such rows, by the names of `metrics.ts`. */
  readonly metrics?: Readonly<Record<string, MetricValue>>;
  /** Of two labels, the one that F1, precision, recall, ROC AUC and average precision are about. */
  readonly positive?: string;
  /** For drawing. */
  readonly curves?: EvaluationCurves;
  /** Rows of the matrix are true labels, columns predicted ones; not with several labels a row. */
  readonly confusion?: { readonly labels: readonly string[]; readonly matrix: readonly (readonly number[])[] };
  readonly seconds: number;
  readonly examplesPerSecond: number;
}

/** Probabilities are sums of float32 exponentials: this far from one is rounding, farther is not a distribution. */
const SUM_TOLERANCE = 1e-3;

export interface EvaluatorOptions extends BootstrapOptions {
  /** Index of the positive one of two labels; default: the second. */
  readonly positive?: number | undefined;
  /** Rows to come. */
  readonly expected?: number | undefined;
}

/**
 * Turns scored rows into an `Evaluation`. Of each row its label and the probabilities are kept, up to a bound, in flat
 * arrays. Its clock starts when it is made, so make it right before the first row is scored.
 */
export class Evaluator {
  readonly #labels: readonly string[];
  readonly #options: BootstrapOptions;
  readonly #positive: number | undefined;
  readonly #matrix: ConfusionMatrix;
  readonly #scores: ScoreTable;
  readonly #logLoss = new LogLoss();
  readonly #start = performance.now();
  #outside = 0;

  constructor(labels: readonly string[], { positive = 1, expected, ...options }: EvaluatorOptions = {}) {
    this.#labels = labels;
    this.#options = options;
    this.#positive = labels.length === 2 ? positive : undefined;
    this.#matrix = new ConfusionMatrix(labels.length);
    this.#scores = new ScoreTable(labels.length, false, expected);
  }

  /**
   * Counts a row and says which label it was given.
   * @throws UserError when the model's answer is not a number.
   */
  add({ target, probabilities, outside, predicted = indexOfMaximum(probabilities) }: ScoredRow): number {
    let sum = 0;
    for (const probability of probabilities) sum += probability;
    if (Number.isNaN(sum + outside)) throw notANumber(this.#matrix.total);
    if (Math.abs(sum - 1) > SUM_TOLERANCE) throw new RangeError(`label probabilities sum to ${sum}, not to one`);
    this.#matrix.add(target, predicted);
    this.#scores.add(target, probabilities);
    this.#logLoss.add(probabilities[target]!);
    this.#outside += outside;
    return predicted;
  }

  /** Every metric, without intervals. @throws UserError when there were no rows */
  measure(): Record<string, MetricValue> {
    if (this.#matrix.total === 0) throw noRows();
    return measureAll({ matrix: this.#matrix, scores: this.#scores, positive: this.#positive });
  }

  /** How each label is told apart from all others, in their order. */
  standings(): LabelStanding[] {
    return this.#labels.map((_, c) => ({ ...classScores(this.#matrix, c), support: this.#matrix.support(c) }));
  }

  /** @throws UserError when there were no rows. */
  finish(): Evaluation {
    const seconds = (performance.now() - this.#start) / 1000;
    const [matrix, scores, positive] = [this.#matrix, this.#scores, this.#positive];
    if (matrix.total === 0) throw noRows();
    const intervals: Record<string, Interval> = {
      ...bootstrapRanking(scores, positive, this.#options),
      ...this.#intervals(),
    };
    const areas = scores.full ? undefined : labelAreas(scores);
    const curves = curvesOf(scores, this.#labels, positive);
    return {
      rows: matrix.total,
      accuracy: accuracyOf(matrix),
      accuracyInterval: intervals.accuracy!,
      macroF1: macroAverage(matrix).f1,
      macroF1Interval: intervals.macro_f1!,
      microF1: microAverage(matrix).f1,
      weightedF1: weightedAverage(matrix).f1,
      logLoss: this.#logLoss.value(),
      outsideMass: this.#outside / matrix.total,
      perClass: this.standings().map((standing, c) => ({
        label: this.#labels[c]!,
        ...standing,
        ...(areas && tellsApart(areas[c]!)),
      })),
      metrics: measureAll({ matrix, scores, positive }, intervals),
      ...(positive !== undefined && { positive: this.#labels[positive]! }),
      ...(curves && { curves }),
      confusion: { labels: [...this.#labels], matrix: matrix.toRows() },
      seconds,
      examplesPerSecond: matrix.total / seconds,
    };
  }

  /** Of the metrics of the matrix, by name. */
  #intervals(): Record<string, Interval> {
    const positive = this.#positive;
    const resampled = metrics.flatMap(({ name, ofMatrix, ...metric }) => {
      if (ofMatrix === undefined || !isOf({ name, ofMatrix, ...metric }, this.#scores)) return [];
      const value = (matrix: ConfusionMatrix): number => {
        const measured = ofMatrix(matrix, positive);
        return typeof measured === "number" ? measured : Number.NaN;
      };
      return [[name, value] as const];
    });
    return bootstrap(this.#matrix, Object.fromEntries(resampled), this.#options);
  }
}

function indexOfMaximum(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
