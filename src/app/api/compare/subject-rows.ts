/** What a subject of a comparison says, row by row. */
import { UserError } from "../../../base/errors.ts";
import type { MetricName } from "../../../tune/evaluate/compare/answer-table.ts";
import { textMetrics } from "../../../tune/evaluate/text/text-metrics.ts";

/** A label or a written answer, or a set of labels. */
export type Answer = string | readonly string[];

export type Scores = Readonly<Partial<Record<MetricName, number>>>;

/** What a written answer is worth beside the expected one, by each metric of such answers. */
export function scoresOfText(answer: string, expected: string): Scores {
  return Object.fromEntries(textMetrics.map(({ name, count, value }) => [name, value(count(answer, expected))]));
}

export interface SubjectRow {
  /** `file:line` of the row that is answered. */
  readonly where?: string | undefined;
  /** Its place among the rows, from 1. */
  readonly row: number;
  /** What the row's own field `id` says. */
  readonly id?: string | undefined;
  readonly answer: Answer;
  /** What it is worth, where it is no label; the same names for all rows. */
  readonly scores?: Scores | undefined;
  /** [labels of the subject] */
  readonly probabilities?: Float64Array | undefined;
  /** What is true of the row, where it is known. */
  readonly target?: string | readonly string[] | undefined;
  /** The beginning of what was asked about. */
  readonly text?: string | undefined;
  /** Characters of what was asked about. */
  readonly characters?: number | undefined;
  /** Fields of the row that were asked for, as text. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface SubjectRows {
  /** What people call it. */
  readonly name: string;
  /** In the order of `probabilities`. */
  readonly labels: readonly string[];
  readonly rows: readonly SubjectRow[];
  /** Rows that have no answer. */
  readonly skipped: number;
  /** [labels] From which probability on each is given, where a row has several. */
  readonly thresholds?: readonly number[] | undefined;
  /** What a run says to its own validation rows, where they were asked for. */
  readonly validation?: readonly SubjectRow[] | undefined;
}

/** A row of a million takes about half a kilobyte. */
const MAX_ROWS = 2 ** 20;

/** @throws UserError where a subject has more rows than are held */
export function refuseTooMany(rows: number, where: string): void {
  if (rows < MAX_ROWS) return;
  throw new UserError({
    code: "compare/too-many-rows",
    message: `there are more than ${MAX_ROWS} rows, which are held in memory to be compared`,
    where,
    fix: "compare a sample: --limit, or a shorter file",
  });
}

/** Characters of a row's text that are kept to be read. */
export const EXCERPT = 500;
