import { Random } from "../../../base/random.ts";
import type { BootstrapOptions, Interval } from "../bootstrap.ts";
import { quantile } from "../quantile.ts";
import { noRows } from "../refuse-rows.ts";
import { textMetrics } from "./text-metrics.ts";

/** A row whose answer was written. */
export interface WrittenRow {
  /** `file:line` */
  readonly where: string;
  readonly prompt: string;
  readonly answer: string;
  readonly expected: string;
  /** Whether the answer was cut off at the most tokens allowed. */
  readonly unfinished: boolean;
}

export interface WorstRow extends WrittenRow {
  /** Its own chrF, by which it is among the worst. */
  readonly chrf: number;
}

/** How well answers are written; plain JSON. */
export interface TextEvaluation {
  readonly rows: number;
  /** By the names of `text-metrics.ts`: of the set, from 0 to 1, with its 95 % bootstrap interval. */
  readonly metrics: Readonly<Record<string, { readonly value: number; readonly interval: Interval }>>;
  /** Answers that were cut off. */
  readonly unfinished: number;
  /** Lowest chrF first. */
  readonly worst: readonly WorstRow[];
  readonly seconds: number;
  readonly examplesPerSecond: number;
}

export interface TextEvaluatorOptions extends BootstrapOptions {
  /** How many of the worst rows are kept; default 20. */
  readonly worst?: number | undefined;
}

/** Characters of texts that are kept of the worst rows. */
const TEXT = 2000;

/** Turns written rows into a `TextEvaluation`; keeps some numbers of each, and the worst. Its clock starts when it is made. */
export class TextEvaluator {
  readonly #options: TextEvaluatorOptions;
  /** Counts of every metric, row by row. */
  readonly #counts: number[][] = textMetrics.map(() => []);
  readonly #worst: WorstRow[] = [];
  readonly #start = performance.now();
  #rows = 0;
  #unfinished = 0;

  constructor(options: TextEvaluatorOptions = {}) {
    this.#options = options;
  }

  add(row: WrittenRow): void {
    let chrf = 0;
    for (const [i, { name, count, value }] of textMetrics.entries()) {
      const counts = count(row.answer, row.expected);
      this.#counts[i]!.push(...counts);
      if (name === "chrf") chrf = value(counts);
    }
    this.#rows++;
    if (row.unfinished) this.#unfinished++;
    const { worst = 20 } = this.#options;
    if (row.answer.trim() === row.expected.trim()) return;
    const after = this.#worst.findIndex((kept) => kept.chrf > chrf);
    const [prompt, answer, expected] = [row.prompt, row.answer, row.expected].map((text) => text.slice(0, TEXT));
    const kept = { ...row, prompt: prompt!, answer: answer!, expected: expected!, chrf };
    this.#worst.splice(after === -1 ? this.#worst.length : after, 0, kept);
    if (this.#worst.length > worst) this.#worst.pop();
  }

  /** @throws UserError when there were no rows */
  finish(): TextEvaluation {
    const seconds = (performance.now() - this.#start) / 1000;
    if (this.#rows === 0) throw noRows();
    const once = new Uint32Array(this.#rows).fill(1);
    const intervals = this.#intervals();
    return {
      rows: this.#rows,
      metrics: Object.fromEntries(
        textMetrics.map(({ name, value }, i) => [
          name,
          { value: value(sumOf(this.#counts[i]!, once)), interval: intervals[i]! },
        ]),
      ),
      unfinished: this.#unfinished,
      worst: [...this.#worst],
      seconds,
      examplesPerSecond: this.#rows / seconds,
    };
  }

  /** Percentile bootstrap over rows; all metrics see the same resamples. */
  #intervals(): Interval[] {
    const { seed = 0, resamples = 1000, confidence = 0.95 } = this.#options;
    const random = new Random(seed, "bootstrap");
    const values = textMetrics.map(() => new Float64Array(resamples));
    const times = new Uint32Array(this.#rows);
    for (let resample = 0; resample < resamples; resample++) {
      times.fill(0);
      for (let draw = 0; draw < this.#rows; draw++) times[random.integer(this.#rows)]!++;
      for (const [i, { value }] of textMetrics.entries()) {
        values[i]![resample] = value(sumOf(this.#counts[i]!, times));
      }
    }
    const tail = (1 - confidence) / 2;
    return values.map((drawn) => {
      const ascending = drawn.sort();
      return [quantile(ascending, tail), quantile(ascending, 1 - tail)];
    });
  }
}

/** @param counts row by row @param times how often each row counts */
function sumOf(counts: readonly number[], times: Uint32Array): number[] {
  const width = counts.length / times.length;
  const sums = new Array<number>(width).fill(0);
  for (let row = 0; row < times.length; row++) {
    if (times[row] === 0) continue;
    for (let i = 0; i < width; i++) sums[i]! += times[row]! * counts[row * width + i]!;
  }
  return sums;
}
