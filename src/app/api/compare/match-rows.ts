/** Which rows of several subjects are the same. */
import { basename } from "node:path";
import { UserError } from "../../../base/errors.ts";
import type { SubjectRow, SubjectRows } from "./subject-rows.ts";

/** Ways to tell that rows are the same, the surest first. */
const keys: Readonly<Record<string, (row: SubjectRow) => string | undefined>> = {
  where: ({ where }) => where,
  "where, without folders": ({ where }) => where && basename(where),
  id: ({ id }) => id,
  row: ({ row }) => String(row),
};

export interface MatchedRows {
  /** `where`, `id` or `row`. */
  readonly by: string;
  /** [rows][subjects], in the order of the first subject. */
  readonly rows: readonly (readonly SubjectRow[])[];
  /** Rows of each subject that not all of them have. */
  readonly leftOut: readonly number[];
}

/**
 * Matches rows by `where` (file and line), by their `id`, or by their number, whichever all subjects have. Numbers are
 * believed only where a subject says nothing better.
 * @throws UserError when no row is common, or one stands twice
 */
export function matchRows(subjects: readonly SubjectRows[]): MatchedRows {
  let twice: string | undefined;
  const named = (row: SubjectRow): boolean => row.where !== undefined || row.id !== undefined;
  const everyoneNames = subjects.every(({ rows }) => rows.every(named));
  const sameName = (["where", "id"] as const).some((name) =>
    subjects.every(({ rows }) => rows.every((row) => row[name] !== undefined)),
  );
  for (const [by, keyOf] of Object.entries(keys)) {
    if (by === "row" && everyoneNames && sameName) break;
    const indices = subjects.map(({ name, rows }) => indexBy(rows, keyOf, (key) => (twice ??= `${name}: ${key}`)));
    if (indices.some((index) => index === undefined)) continue;
    const [first, ...others] = indices as Map<string, SubjectRow>[];
    const rows = [...first!].flatMap(([key, row]) => {
      const found = others.map((index) => index.get(key));
      return found.some((other) => other === undefined) ? [] : [[row, ...(found as SubjectRow[])]];
    });
    if (rows.length > 0) return { by, rows, leftOut: subjects.map((subject) => subject.rows.length - rows.length) };
  }
  throw new UserError({
    code: "compare/no-common-rows",
    message:
      twice === undefined
        ? "they have no row in common"
        : `rows cannot be told apart: some stand twice, the first in ${twice}`,
    where: subjects.map(({ name }) => name).join(", "),
    fix: "predict the same file with all of them, or give rows an id",
  });
}

/** Undefined where a row has no key, or two have the same. */
function indexBy(
  rows: readonly SubjectRow[],
  keyOf: (row: SubjectRow) => string | undefined,
  onTwice: (key: string) => void,
): Map<string, SubjectRow> | undefined {
  const index = new Map<string, SubjectRow>();
  for (const row of rows) {
    const key = keyOf(row);
    if (key === undefined) return undefined;
    if (index.has(key)) {
      onTwice(key);
      return undefined;
    }
    index.set(key, row);
  }
  return index;
}
