/** An answer that was given: which class was taken for which, how often. */
export interface ConfusionCell {
  readonly target: number;
  readonly predicted: number;
  readonly count: number;
  /** Of the rows of its true class. */
  readonly share: number;
}

/** The cells of a confusion matrix that are not empty, at most as many as there were rows, in reading order. */
export function occupiedCells(matrix: readonly (readonly number[])[]): ConfusionCell[] {
  const cells: ConfusionCell[] = [];
  for (const [target, row] of matrix.entries()) {
    const support = row.reduce((sum, count) => sum + count, 0);
    for (const [predicted, count] of row.entries()) {
      if (count > 0) cells.push({ target, predicted, count, share: count / support });
    }
  }
  return cells;
}
