/** What a classifier says to a row, whoever answers: the model in its own words or a class head. */

export interface AskedRow {
  /** Index in the set. */
  readonly index: number;
  /** Index of the true label, where it is known. */
  readonly target: number | undefined;
  /** Indices of the true labels, where a row has several and they are known. */
  readonly targets?: readonly number[] | undefined;
  /** What is asked about. */
  readonly text: string;
}

export interface Prediction {
  readonly row: AskedRow;
  /** [labels] what probabilities are made of: logits, log-probabilities of answers, or with questions log-odds of yes */
  readonly logits: ArrayLike<number>;
  /** [labels] with one label a row they sum to one; with several, each stands for itself. */
  readonly probabilities: Float64Array;
  /** Probability that the model gives to everything that is no label. */
  readonly outside: number;
  /** Index of the label given; with several labels a row the most probable one. */
  readonly predicted: number;
  /** With several labels a row: those that reach their threshold. */
  readonly chosen?: readonly number[] | undefined;
}
