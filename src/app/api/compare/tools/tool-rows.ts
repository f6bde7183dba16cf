import type { EventSink } from "../../../../base/events.ts";
import type { SubjectRow, SubjectRows } from "../subject-rows.ts";
import type { ToolPanel } from "./tool-panel.ts";

/**
 * Tools as subjects of a comparison: what they say to the rows of another one. A file that a tool could not read is one in which it
 * found nothing.
 * @param rows [rows] that have a text
 * @param labels that are known of: others that a tool names are left out
 */
export function toolRows(
  panel: ToolPanel,
  rows: readonly SubjectRow[],
  texts: ReadonlyMap<string, string>,
  labels: ReadonlySet<string>,
): SubjectRows[] {
  return panel.answers.map(({ tool }, t) => ({
    name: tool,
    labels: [],
    rows: rows.map(({ where, row, id }) => {
      const answer = (panel.labels(t, texts.get(where!)!) ?? []).filter((label) => labels.has(label));
      return { where, row, id, answer, fields: {} };
    }),
    skipped: 0,
  }));
}

/** Says which rules nobody has placed: a taxonomy that is older than a tool. */
export function tellUnknownRules(panel: ToolPanel, onEvent: EventSink): void {
  for (const { tool, unknownRules } of panel.answers) {
    if (unknownRules.size === 0) continue;
    const often = [...unknownRules].toSorted((a, b) => b[1] - a[1]).slice(0, SHOWN);
    const named = often.map(([rule, count]) => `${rule} (${count})`).join(", ");
    const count = `${unknownRules.size} ${unknownRules.size === 1 ? "rule" : "rules"}`;
    const message = `the taxonomy does not know ${count} of ${tool}, left out: ${named}`;
    onEvent({ kind: "note", level: "warning", message });
  }
}

const SHOWN = 5;
