/**
 * Several labels a row, without a class head: each label is a question of its own about the row, to be answered with yes or
 * no. The questions of a row follow each other; what they have in common is computed once (docs/architecture.md, "Packs").
 */
import type { Row } from "./example.ts";
import { Labels } from "./labels.ts";
import { askedField } from "./shape.ts";

export const answers: Labels = Labels.declared(["no", "yes"]);

/** Index of `yes` among the answers. */
export const YES = 1;

/** Every row once for each label; its answer is known where the row's labels are. */
export function askAboutEach(rows: readonly Row[], names: readonly string[]): Row[] {
  return rows.flatMap(({ labels, ...row }) =>
    names.map((name, asked) => ({
      ...row,
      asked,
      label: labels && (labels.includes(asked) ? YES : 1 - YES),
      values: { ...row.values, [askedField]: name },
    })),
  );
}
