/**
 * How well a written answer agrees with the expected one. A metric counts something of each row; the counts of a set are
 * added up, and give its value. So a set's value has a bootstrap interval, and a row's own value tells which are worst.
 */
export interface TextMetric {
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** Counts of one row, as many for every row. */
  readonly count: (answer: string, expected: string) => readonly number[];
  /** From counts added up over rows: 0 to 1. */
  readonly value: (counts: readonly number[]) => number;
}

/** A metric that is the mean of what rows score. */
export function meanOf(name: string, title: string, score: (answer: string, expected: string) => number): TextMetric {
  return {
    name,
    title,
    count: (answer, expected) => [score(answer, expected), 1],
    value: ([sum = 0, rows = 0]) => (rows === 0 ? 0 : sum / rows),
  };
}
