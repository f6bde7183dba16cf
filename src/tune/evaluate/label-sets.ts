import { UserError } from "../../base/errors.ts";
import { Random } from "../../base/random.ts";
import { sampleBinomial } from "./binomial.ts";
import type { BootstrapOptions, Interval } from "./bootstrap.ts";
import { scoresOf } from "./class-scores.ts";
import type { Evaluation } from "./classification-report.ts";
import { LogLoss } from "./log-loss.ts";
import { quantile } from "./quantile.ts";

/** One row with several labels, as a classifier saw it. */
export interface ScoredLabelSet {
  /** Indices of the true labels. */
  readonly truth: readonly number[];
  /** Indices of the labels given. */
  readonly answer: readonly number[];
  /** [labels] */
  readonly probabilities: Float64Array;
  readonly outside: number;
}

/** Rows of the same true and given labels. */
interface Pattern {
  readonly truth: readonly number[];
  readonly answer: readonly number[];
  count: number;
}

/** Counts of each label: it is there and given, given, there. */
interface Counts {
  readonly hits: Float64Array;
  readonly given: Float64Array;
  readonly there: Float64Array;
  exact: number;
  rows: number;
}

/**
 * Multi-label scores by scikit-learn's definitions: `accuracy` is that of whole sets (`accuracy_score`, subset accuracy),
 * micro F1 counts all labels together, macro F1 is the mean over all labels, weighted F1 by their support. Log loss is the
 * mean binary cross-entropy over rows and labels. Intervals resample rows, by patterns of true and given labels.
 */
export class LabelSetEvaluator {
  readonly #labels: readonly string[];
  readonly #options: BootstrapOptions;
  readonly #patterns = new Map<string, Pattern>();
  readonly #logLoss = new LogLoss();
  readonly #start = performance.now();
  #outside = 0;
  #rows = 0;

  constructor(labels: readonly string[], options: BootstrapOptions = {}) {
    this.#labels = labels;
    this.#options = options;
  }

  /** @throws UserError when the model's answer is not a number. */
  add({ truth, answer, probabilities, outside }: ScoredLabelSet): void {
    if (probabilities.some(Number.isNaN)) {
      throw new UserError({
        code: "evaluate/not-a-number",
        message: `the model gives no probabilities (NaN) for row ${this.#rows + 1}`,
        fix: "its weights have diverged: train again with a lower learning rate or gradient clipping",
      });
    }
    const key = `${truth.join(" ")}|${answer.join(" ")}`;
    const pattern = this.#patterns.get(key);
    if (pattern === undefined) this.#patterns.set(key, { truth, answer, count: 1 });
    else pattern.count++;
    probabilities.forEach((probability, c) => {
      this.#logLoss.add(truth.includes(c) ? probability : 1 - probability);
    });
    this.#outside += outside;
    this.#rows++;
  }

  /** @throws UserError when there were no rows. */
  finish(): Evaluation {
    const seconds = (performance.now() - this.#start) / 1000;
    if (this.#rows === 0) {
      throw new UserError({
        code: "evaluate/no-rows",
        message: "there is no row to evaluate on",
        fix: "check the data file with `fettle inspect`",
      });
    }
    const patterns = [...this.#patterns.values()];
    const counts = this.#count(patterns, (pattern) => pattern.count);
    const { accuracy, macroF1 } = this.#intervals(patterns);
    const { hits, given, there } = counts;
    const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
    const perClass = this.#labels.map((label, c) => ({
      label,
      ...scoresOf(hits[c]!, given[c]!, there[c]!),
      support: there[c]!,
    }));
    const support = sum(there);
    return {
      rows: this.#rows,
      accuracy: counts.exact / this.#rows,
      accuracyInterval: accuracy,
      macroF1: macroF1Of(counts),
      macroF1Interval: macroF1,
      microF1: scoresOf(sum(hits), sum(given), support).f1,
      weightedF1:
        support === 0 ? 0 : perClass.reduce((total, scores) => total + scores.f1 * scores.support, 0) / support,
      logLoss: this.#logLoss.value(),
      outsideMass: this.#outside / this.#rows,
      perClass,
      seconds,
      examplesPerSecond: this.#rows / seconds,
    };
  }

  #count(patterns: readonly Pattern[], times: (pattern: Pattern) => number): Counts {
    const zeros = (): Float64Array => new Float64Array(this.#labels.length);
    const counts: Counts = { hits: zeros(), given: zeros(), there: zeros(), exact: 0, rows: 0 };
    for (const pattern of patterns) {
      const { truth, answer } = pattern;
      const count = times(pattern);
      for (const c of truth) counts.there[c]! += count;
      for (const c of answer) {
        counts.given[c]! += count;
        if (truth.includes(c)) counts.hits[c]! += count;
      }
      if (truth.length === answer.length && truth.every((c) => answer.includes(c))) counts.exact += count;
      counts.rows += count;
    }
    return counts;
  }

  /** Drawing rows with replacement is one multinomial draw over the patterns. */
  #intervals(patterns: readonly Pattern[]): { accuracy: Interval; macroF1: Interval } {
    const { seed = 0, resamples = 1000, confidence = 0.95 } = this.#options;
    const random = new Random(seed, "bootstrap");
    const values = { accuracy: new Float64Array(resamples), macroF1: new Float64Array(resamples) };
    for (let resample = 0; resample < resamples; resample++) {
      let rowsLeft = this.#rows;
      let countLeft = this.#rows;
      const counts = this.#count(patterns, ({ count }) => {
        const times = sampleBinomial(random, rowsLeft, count / countLeft);
        rowsLeft -= times;
        countLeft -= count;
        return times;
      });
      values.accuracy[resample] = counts.exact / this.#rows;
      values.macroF1[resample] = macroF1Of(counts);
    }
    const tail = (1 - confidence) / 2;
    const interval = (drawn: Float64Array): Interval => {
      const ascending = drawn.sort();
      return [quantile(ascending, tail), quantile(ascending, 1 - tail)];
    };
    return { accuracy: interval(values.accuracy), macroF1: interval(values.macroF1) };
  }
}

function macroF1Of({ hits, given, there }: Counts): number {
  return hits.reduce((sum, hit, c) => sum + scoresOf(hit, given[c]!, there[c]!).f1, 0) / hits.length;
}
