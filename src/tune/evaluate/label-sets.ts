import type { LabelStanding } from "../../base/events.ts";
import { Random } from "../../base/random.ts";
import { sampleBinomial } from "./binomial.ts";
import type { BootstrapOptions, Interval } from "./bootstrap.ts";
import { bootstrapRanking } from "./bootstrap-ranking.ts";
import { scoresOf } from "./class-scores.ts";
import type { Evaluation, EvaluatorOptions } from "./classification-report.ts";
import { curvesOf } from "./evaluation-curves.ts";
import { labelAreas, tellsApart } from "./label-areas.ts";
import { LogLoss } from "./log-loss.ts";
import { measureAll } from "./measure.ts";
import type { MetricValue } from "./metric.ts";
import { metrics } from "./metrics.ts";
import { quantile } from "./quantile.ts";
import { noRows, notANumber } from "./refuse-rows.ts";
import { ScoreTable } from "./score-table.ts";
import { countSets, type LabelSetPattern, type SetCounts } from "./set-counts.ts";

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

/**
 * Multi-label scores by scikit-learn's definitions: `accuracy` is that of whole sets (`accuracy_score`, subset accuracy),
 * micro F1 counts all labels together, macro F1 is the mean over all labels, weighted F1 by their support. Log loss is the
 * mean binary cross-entropy over rows and labels. Intervals resample rows, by patterns of true and given labels.
 */
export class LabelSetEvaluator {
  readonly #labels: readonly string[];
  readonly #options: BootstrapOptions;
  readonly #patterns = new Map<string, { -readonly [Key in keyof LabelSetPattern]: LabelSetPattern[Key] }>();
  readonly #scores: ScoreTable;
  readonly #logLoss = new LogLoss();
  readonly #start = performance.now();
  #outside = 0;
  #rows = 0;

  constructor(labels: readonly string[], { expected, ...options }: Omit<EvaluatorOptions, "positive"> = {}) {
    this.#labels = labels;
    this.#options = options;
    this.#scores = new ScoreTable(labels.length, true, expected);
  }

  /** @throws UserError when the model's answer is not a number. */
  add({ truth, answer, probabilities, outside }: ScoredLabelSet): void {
    if (probabilities.some(Number.isNaN)) throw notANumber(this.#rows);
    const key = `${truth.join(" ")}|${answer.join(" ")}`;
    const pattern = this.#patterns.get(key);
    if (pattern === undefined) this.#patterns.set(key, { truth, answer, count: 1 });
    else pattern.count++;
    this.#scores.add(truth, probabilities);
    probabilities.forEach((probability, c) => {
      this.#logLoss.add(truth.includes(c) ? probability : 1 - probability);
    });
    this.#outside += outside;
    this.#rows++;
  }

  /** Every metric, without intervals. @throws UserError when there were no rows */
  measure(): Record<string, MetricValue> {
    if (this.#rows === 0) throw noRows();
    return measureAll({ sets: this.#counts(), scores: this.#scores, positive: undefined });
  }

  /** How each label is told apart, in their order. */
  standings(): LabelStanding[] {
    return standingsOf(this.#counts());
  }

  /** @throws UserError when there were no rows. */
  finish(): Evaluation {
    const seconds = (performance.now() - this.#start) / 1000;
    if (this.#rows === 0) throw noRows();
    const sets = this.#counts();
    const [labels, scores] = [this.#labels, this.#scores];
    const intervals: Record<string, Interval> = {
      ...bootstrapRanking(scores, undefined, this.#options),
      ...this.#intervals([...this.#patterns.values()]),
    };
    const measured = measureAll({ sets, scores, positive: undefined }, intervals);
    const areas = scores.full ? undefined : labelAreas(scores);
    const curves = curvesOf(scores, labels, undefined);
    return {
      rows: this.#rows,
      accuracy: measured.accuracy!.value!,
      accuracyInterval: intervals.accuracy!,
      macroF1: measured.macro_f1!.value!,
      macroF1Interval: intervals.macro_f1!,
      microF1: measured.micro_f1!.value!,
      weightedF1: measured.weighted_f1!.value!,
      logLoss: this.#logLoss.value(),
      outsideMass: this.#outside / this.#rows,
      perClass: standingsOf(sets).map((standing, c) => ({
        label: labels[c]!,
        ...standing,
        ...(areas && tellsApart(areas[c]!)),
      })),
      metrics: measured,
      ...(curves && { curves }),
      seconds,
      examplesPerSecond: this.#rows / seconds,
    };
  }

  #counts(): SetCounts {
    return countSets(this.#labels.length, [...this.#patterns.values()]);
  }

  /** Drawing rows with replacement is one multinomial draw over the patterns. */
  #intervals(patterns: readonly LabelSetPattern[]): Record<string, Interval> {
    const { seed = 0, resamples = 1000, confidence = 0.95 } = this.#options;
    const random = new Random(seed, "bootstrap");
    const resampled = metrics.flatMap(({ name, ofSets }) =>
      ofSets ? [{ name, ofSets, values: new Float64Array(resamples) }] : [],
    );
    for (let resample = 0; resample < resamples; resample++) {
      const drawn = this.#draw(patterns, random);
      for (const { ofSets, values } of resampled) {
        const measured = ofSets(drawn);
        values[resample] = typeof measured === "number" ? measured : Number.NaN;
      }
    }
    const tail = (1 - confidence) / 2;
    const intervals = resampled.map(({ name, values }): [string, Interval] => {
      const ascending = values.sort();
      return [name, [quantile(ascending, tail), quantile(ascending, 1 - tail)]];
    });
    return Object.fromEntries(intervals);
  }

  #draw(patterns: readonly LabelSetPattern[], random: Random): SetCounts {
    let rowsLeft = this.#rows;
    let countLeft = this.#rows;
    return countSets(this.#labels.length, patterns, ({ count }) => {
      const times = sampleBinomial(random, rowsLeft, count / countLeft);
      rowsLeft -= times;
      countLeft -= count;
      return times;
    });
  }
}

function standingsOf({ hits, given, there }: SetCounts): LabelStanding[] {
  return Array.from(there, (support, c) => ({ ...scoresOf(hits[c]!, given[c]!, support), support }));
}
