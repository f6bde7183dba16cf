import type { AlertTable } from "../../../../tune/evaluate/compare/alerts/alert-table.ts";
import type { DecidedRow } from "../../../../tune/evaluate/compare/alerts/decided-row.ts";
import type { RowsBesideTools } from "./alert-table-of-rows.ts";

/**
 * Rows that a model has right in a label where no tool with a rule for it has, and rows that it has wrong where a tool has it
 * right: label by label, in the order of the rows.
 */
export function decidedRows(
  { labels, targets, models, tools }: AlertTable,
  { rows, panel, texts }: RowsBesideTools,
): DecidedRow[] {
  return models.flatMap((model) =>
    labels.flatMap((label, c) => {
      const able = tools.flatMap((tool, t) => (tool.covers[c] ? [{ ...tool, t }] : []));
      return rows.flatMap((row, r): DecidedRow[] => {
        const at = r * labels.length + c;
        const right = able.filter(({ answers }) => answers[at] === targets[at]);
        const modelIsRight = model.answers[at] === targets[at];
        if (able.length === 0 || modelIsRight === right.length > 0) return [];
        const { where, row: number } = row[models.length]!;
        const text = texts.get(where!)!;
        return [
          {
            label,
            where,
            row: number,
            isTrue: targets[at] === 1,
            model: model.name,
            right: modelIsRight ? "model" : "tools",
            tools: (modelIsRight ? able : right).map(({ name }) => name),
            named: able.flatMap(({ name, t }) =>
              panel.findings(t, text, label).map(({ rule, message, startLine, endLine }) => ({
                ...{ tool: name, rule, message },
                ...{ startLine: startLine ?? null, endLine: endLine ?? startLine ?? null },
              })),
            ),
            text,
          },
        ];
      });
    }),
  );
}
