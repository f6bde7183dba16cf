import { Problems } from "../../tune/data/problems.ts";

/** What became of a row: left out, or changed and kept. */
export interface RowProblem {
  readonly skipped: boolean;
  readonly reason: string;
}

/** Problems of few rows, each with its own. */
export class RowProblems extends Problems {
  readonly #byRow = new Map<string, RowProblem>();

  /** Of the row at a place such as `text:3`. */
  of(where: string): RowProblem | undefined {
    return this.#byRow.get(where);
  }

  override skip(where: string, reason: string, detail?: string): void {
    super.skip(where, reason, detail);
    this.#byRow.set(where, { skipped: true, reason });
  }

  override change(where: string, reason: string, detail?: string): void {
    super.change(where, reason, detail);
    if (!this.#byRow.has(where)) this.#byRow.set(where, { skipped: false, reason });
  }
}
