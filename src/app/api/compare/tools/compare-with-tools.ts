import { UserError } from "../../../../base/errors.ts";
import type { EventSink } from "../../../../base/events.ts";
import type { ToolComparison } from "../../../../tune/evaluate/compare/alerts/alert-comparison.ts";
import { type CompareAlertsOptions, compareAlerts } from "../../../../tune/evaluate/compare/alerts/compare-alerts.ts";
import type { DecidedRow } from "../../../../tune/evaluate/compare/alerts/decided-row.ts";
import type { LoadedSubjects } from "../load-subjects.ts";
import type { SubjectRows } from "../subject-rows.ts";
import { alertTableOfRows, type RowsBesideTools } from "./alert-table-of-rows.ts";
import type { AskPanel } from "./ask-panel.ts";
import { decidedRows } from "./decided-rows.ts";
import type { ToolPanel } from "./tool-panel.ts";
import { tellUnknownRules, toolRows } from "./tool-rows.ts";

export interface AskedTools {
  readonly panel: ToolPanel;
  /** By `where`. */
  readonly texts: ReadonlyMap<string, string>;
  readonly subjects: readonly SubjectRows[];
}

/** Asks tools about every row of the test set and of the runs' validation sets. */
export async function askAll(ask: AskPanel, loaded: LoadedSubjects, onEvent: EventSink): Promise<AskedTools> {
  const { subjects, truth, texts } = loaded;
  const first = truth ?? subjects.find(({ rows }) => rows.every(({ where }) => texts.has(where ?? ""))) ?? subjects[0]!;
  const rows = first.rows.filter(({ where }) => texts.has(where ?? ""));
  if (rows.length === 0) throw noTexts();
  const held = subjects.flatMap(({ validation = [] }) => validation);
  const wanted = [...rows, ...held].flatMap(({ where }) => texts.get(where ?? "") ?? []);
  const panel = await ask([...new Set(wanted)]);
  tellUnknownRules(panel, onEvent);
  const known = new Set([...subjects.flatMap(({ labels }) => labels), ...rows.flatMap(({ target = [] }) => target)]);
  return { panel, texts, subjects: toolRows(panel, rows, texts, known) };
}

function noTexts(): UserError {
  return new UserError({
    code: "compare/no-texts",
    message: "tools read whole files, and predictions have only their beginnings",
    fix: "name the rows that were predicted: --data FILE",
  });
}

/** What comes of models and tools on matched rows, label by label. */
export function compareWithTools(
  beside: RowsBesideTools,
  options: CompareAlertsOptions,
  onEvent: EventSink,
): ToolComparison {
  const { models, panel, rows, texts } = beside;
  const table = alertTableOfRows(beside, onEvent);
  const decided = decidedRows(table, beside);
  const count = (label: string, right: DecidedRow["right"]): number =>
    decided.filter((row) => row.label === label && row.right === right).length;
  return {
    ...compareAlerts(table, options),
    tools: panel.answers.map(({ tool: name, version, unknownRules, seconds }, t) => ({
      ...{ name, version, unknownRules: unknownRules.size, seconds: seconds ?? null },
      unread: rows.filter((row) => panel.labels(t, texts.get(row[models.length]!.where!)!) === undefined).length,
    })),
    counts: table.labels.map((label) => {
      return { label, onlyModel: count(label, "model"), onlyTools: count(label, "tools") };
    }),
    decided,
  };
}
