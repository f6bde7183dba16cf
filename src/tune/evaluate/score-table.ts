import { notANumber } from "./refuse-rows.ts";

/** 2^26 scores are 512 MiB. */
const MOST_SCORES = 2 ** 26;

/** True labels and scores of rows, flat: what metrics need that look at more than the label given. */
export class ScoreTable {
  readonly labels: number;
  readonly multiLabel: boolean;
  readonly #most: number;
  #rows = 0;
  #full = false;
  /** [rows, labels] */
  #scores: Float64Array;
  /** [rows, labels] with several labels a row; otherwise [rows] the true one */
  #truth: Uint8Array | Int32Array;

  /**
   * @param expected rows to come
   * @param most scores that are kept
   */
  constructor(labels: number, multiLabel: boolean, expected = 64, most: number = MOST_SCORES) {
    this.#most = most;
    this.labels = labels;
    this.multiLabel = multiLabel;
    const rows = Math.max(1, Math.min(expected, Math.floor(most / labels)));
    this.#scores = new Float64Array(rows * labels);
    this.#truth = multiLabel ? new Uint8Array(rows * labels) : new Int32Array(rows);
  }

  /** Whether there were more scores than are kept: then none is. */
  get full(): boolean {
    return this.#full;
  }

  get rows(): number {
    return this.#rows;
  }

  /**
   * @param truth index of the true label, or of each of the true ones
   * @param scores [labels]
   * @throws UserError when a score is not a number
   */
  add(truth: number | readonly number[], scores: ArrayLike<number>): void {
    for (let c = 0; c < this.labels; c++) if (Number.isNaN(scores[c]!)) throw notANumber(this.#rows);
    const at = this.#rows * this.labels;
    if (this.#full || at + this.labels > this.#most) {
      this.#drop();
      return;
    }
    if (at === this.#scores.length) this.#grow();
    this.#scores.set(scores, at);
    if (typeof truth === "number") this.#truth[this.#rows] = truth;
    else for (const c of truth) this.#truth[at + c] = 1;
    this.#rows++;
  }

  /** Score of a row's label. */
  score(row: number, label: number): number {
    return this.#scores[row * this.labels + label]!;
  }

  /** [labels] a view of a row's scores */
  row(row: number): Float64Array {
    return this.#scores.subarray(row * this.labels, (row + 1) * this.labels);
  }

  /** Indices of a row's true labels. */
  trueLabels(row: number): number[] {
    const labels: number[] = [];
    for (let c = 0; c < this.labels; c++) if (this.isTrue(row, c)) labels.push(c);
    return labels;
  }

  /** Whether a label is true of a row. */
  isTrue(row: number, label: number): boolean {
    if (!this.multiLabel) return this.#truth[row] === label;
    return this.#truth[row * this.labels + label] === 1;
  }

  /** Index of a row's true label. */
  target(row: number): number {
    return this.#truth[row]!;
  }

  /** Index of the label that a row scores highest, the first of equals. */
  best(row: number): number {
    let best = 0;
    for (let c = 1; c < this.labels; c++) if (this.score(row, c) > this.score(row, best)) best = c;
    return best;
  }

  /** [rows] scores of a label */
  column(label: number): Float64Array {
    const column = new Float64Array(this.#rows);
    for (let row = 0; row < column.length; row++) column[row] = this.score(row, label);
    return column;
  }

  /** [rows] 1 where a label is true */
  truth(label: number): Uint8Array {
    const truth = new Uint8Array(this.#rows);
    for (let row = 0; row < truth.length; row++) truth[row] = this.isTrue(row, label) ? 1 : 0;
    return truth;
  }

  #grow(): void {
    const rows = Math.min(this.#rows * 2, Math.floor(this.#most / this.labels));
    const [scores, truth] = [this.#scores, this.#truth];
    this.#scores = new Float64Array(rows * this.labels);
    this.#scores.set(scores);
    this.#truth = this.multiLabel ? new Uint8Array(rows * this.labels) : new Int32Array(rows);
    this.#truth.set(truth);
  }

  #drop(): void {
    this.#full = true;
    this.#rows = 0;
    this.#scores = new Float64Array();
    this.#truth = new Uint8Array();
  }
}
