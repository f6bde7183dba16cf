import { scoresOf } from "./class-scores.ts";

/** Rows of the same true and given labels. */
export interface LabelSetPattern {
  readonly truth: readonly number[];
  readonly answer: readonly number[];
  readonly count: number;
}

/** What rows with several labels amount to. */
export interface SetCounts {
  readonly rows: number;
  /** [labels] rows in which the label is true and given, given, true */
  readonly hits: Float64Array;
  readonly given: Float64Array;
  readonly there: Float64Array;
  /** Rows whose given labels are exactly the true ones. */
  readonly exact: number;
  /** Sums over rows of the scores of each row's labels. */
  readonly ofRows: { readonly precision: number; readonly recall: number; readonly f1: number };
}

/** @param times how often a pattern is counted */
export function countSets(
  labels: number,
  patterns: readonly LabelSetPattern[],
  times: (pattern: LabelSetPattern) => number = ({ count }) => count,
): SetCounts {
  const zeros = (): Float64Array => new Float64Array(labels);
  const [hits, given, there] = [zeros(), zeros(), zeros()];
  const ofRows = { precision: 0, recall: 0, f1: 0 };
  let rows = 0;
  let exact = 0;
  for (const pattern of patterns) {
    const { truth, answer } = pattern;
    const count = times(pattern);
    let right = 0;
    for (const c of truth) there[c]! += count;
    for (const c of answer) {
      given[c]! += count;
      if (!truth.includes(c)) continue;
      hits[c]! += count;
      right++;
    }
    if (right === truth.length && right === answer.length) exact += count;
    const scores = scoresOf(right, answer.length, truth.length);
    ofRows.precision += count * scores.precision;
    ofRows.recall += count * scores.recall;
    ofRows.f1 += count * scores.f1;
    rows += count;
  }
  return { rows, hits, given, there, exact, ofRows };
}
