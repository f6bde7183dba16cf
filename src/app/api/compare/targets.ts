import { UserError } from "../../../base/errors.ts";
import type { Answer, SubjectRow, SubjectRows } from "./subject-rows.ts";

export interface JudgedRows {
  /** [rows][subjects and truth] those whose label is known. */
  readonly rows: readonly (readonly SubjectRow[])[];
  /** [rows]; empty where answers are scores. */
  readonly targets: readonly Answer[];
}

/**
 * What is true of matched rows: as the data say, which come last, or else the subjects. Rows of which nobody knows are left out.
 * @throws UserError when subjects say different things, or nobody knows of any row
 */
export function targetsOf(rows: readonly (readonly SubjectRow[])[], subjects: readonly SubjectRows[]): JudgedRows {
  if (rows.every((row) => row.some(({ scores }) => scores !== undefined))) return { rows, targets: [] };
  const judged: (readonly SubjectRow[])[] = [];
  const targets: Answer[] = [];
  for (const row of rows) {
    const own = row.slice(0, subjects.length);
    const given = row.length > subjects.length ? row.slice(subjects.length) : own;
    const known = given.flatMap(({ target }) => (target === undefined ? [] : [target]));
    if (known.length === 0) continue;
    if (new Set(known.map(written)).size > 1) throw conflict(row[0]!, known);
    judged.push(row);
    targets.push(known[0]!);
  }
  if (judged.length > 0) return { rows: judged, targets };
  throw new UserError({
    code: "compare/no-targets",
    message: "it is not known what is true of the rows",
    where: subjects.map(({ name }) => name).join(", "),
    fix: "name the labelled rows: --data FILE; or write predictions with `fettle eval MODEL --predictions FILE`",
  });
}

function conflict({ where, row }: SubjectRow, known: readonly Answer[]): UserError {
  return new UserError({
    code: "compare/different-targets",
    message: `the same row has different true labels: ${[...new Set(known.map(written))].join(" and ")}`,
    where: where ?? `row ${row}`,
    fix: "they were made on different data: predict the same file with all of them, or say what is true with --data FILE",
  });
}

function written(answer: Answer): string {
  return typeof answer === "object" ? [...answer].sort().join(", ") : String(answer);
}
