/** Accuracy, precision, recall and F1 of alerts, with intervals by bootstrap. */
import { scoresOf } from "../../class-scores.ts";
import type { Estimate } from "../estimate.ts";
import { percentileInterval } from "../resample.ts";
import type { AlertFigures, AlertMeasure, OverallFigures } from "./alert-comparison.ts";
import type { DrawnSums } from "./drawn-sums.ts";

/** A figure of the i-th sum; NaN where it is not defined. */
type Figure = (i: number) => number;

/** The figures of one subject, over some of the labels. @param subject index in the sums */
export class Figures {
  readonly #sums: DrawnSums;
  readonly #subject: number;
  readonly #labels: readonly number[];

  constructor(sums: DrawnSums, subject: number, labels: readonly number[]) {
    this.#sums = sums;
    this.#subject = subject;
    this.#labels = labels;
  }

  /** scikit-learn's scores of all (row, label) pairs together; not defined where they have a zero denominator. */
  readonly measures: Readonly<Record<AlertMeasure, Figure>> = {
    accuracy: (i) => {
      const pairs = this.#labels.length * this.#sums.rows[i]!;
      return (pairs - this.#given(i) - this.#there(i) + 2 * this.#hits(i)) / pairs;
    },
    precision: (i) => this.#hits(i) / this.#given(i),
    recall: (i) => this.#hits(i) / this.#there(i),
    f1: (i) => (2 * this.#hits(i)) / (this.#given(i) + this.#there(i)),
    macroF1: (i) => {
      const { hits, given } = this.#sums.of[this.#subject]!;
      const f1 = (label: number): number =>
        scoresOf(hits[label]![i]!, given[label]![i]!, this.#sums.there[label]![i]!).f1;
      return this.#labels.reduce((sum, label) => sum + f1(label), 0) / this.#labels.length;
    },
  };

  /** Of all labels together. */
  figures(): AlertFigures {
    const estimate = (name: AlertMeasure): Estimate => this.#estimate(this.measures[name]);
    return {
      alerts: this.#given(0),
      accuracy: estimate("accuracy"),
      precision: estimate("precision"),
      recall: estimate("recall"),
      f1: estimate("f1"),
    };
  }

  overall(): OverallFigures {
    return { ...this.figures(), macroF1: this.#estimate(this.measures.macroF1) };
  }

  /** How much higher than another's on the same draws. */
  above(other: Figures, name: AlertMeasure): Estimate {
    return this.#estimate((i) => this.measures[name](i) - other.measures[name](i));
  }

  #hits(i: number): number {
    return this.#total(this.#sums.of[this.#subject]!.hits, i);
  }

  #given(i: number): number {
    return this.#total(this.#sums.of[this.#subject]!.given, i);
  }

  #there(i: number): number {
    return this.#total(this.#sums.there, i);
  }

  #total(sums: readonly Float64Array[], i: number): number {
    return this.#labels.reduce((sum, label) => sum + sums[label]![i]!, 0);
  }

  #estimate(figure: Figure): Estimate {
    const value = figure(0);
    if (Number.isNaN(value)) return { value: null, interval: null };
    const draws = new Float64Array(this.#sums.rows.length - 1);
    for (let i = 0; i < draws.length; i++) draws[i] = figure(i + 1);
    return { value, interval: percentileInterval(draws) ?? null };
  }
}
