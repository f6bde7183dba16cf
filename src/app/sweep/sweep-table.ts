import { plainTable } from "../report/plain-table.ts";
import { columnsOf, haveOtherRows } from "./sweep-columns.ts";
import type { SweepResult } from "./sweep-result.ts";

/** A row for each run that is over, the best marked. */
export function sweepTable(result: SweepResult): string {
  const columns = columnsOf(result);
  const over = result.runs.filter((run) => run.result !== null);
  const rows = over.map((run) => [run.name === result.best ? "*" : "", ...columns.map(({ cell }) => cell(run))]);
  const left = columns.filter(({ isFigure }) => !isFigure).length + 1;
  return plainTable(["", ...columns.map(({ title }) => title)], rows, left);
}

/** What the mark means, and what it does not. */
export function bestLine({ best, metric, runs }: SweepResult): string {
  if (best === null) return "No run has validation rows to be chosen by: no best one is named.";
  const others = haveOtherRows(runs)
    ? " (not all runs were scored on the same rows: where too long ones are skipped, figures are of those left)"
    : "";
  return `* the best by ${metric} on the validation rows; the test rows had no say: ${best}${others}`;
}
