import { UserError } from "../../../../base/errors.ts";
import type { EventSink } from "../../../../base/events.ts";
import type { AlertModel, AlertTable, ValidationAlerts } from "../../../../tune/evaluate/compare/alerts/alert-table.ts";
import type { Answer, SubjectRow, SubjectRows } from "../subject-rows.ts";
import type { ToolPanel } from "./tool-panel.ts";

/** Matched rows with what models and tools say of them. */
export interface RowsBesideTools {
  readonly models: readonly SubjectRows[];
  /** [rows][models, then tools, then what else was matched] */
  readonly rows: readonly (readonly SubjectRow[])[];
  /** [rows] */
  readonly targets: readonly Answer[];
  readonly panel: ToolPanel;
  /** By `where`. */
  readonly texts: ReadonlyMap<string, string>;
}

/**
 * Of the labels that the models know.
 * @throws UserError where rows have one label each, or the taxonomy has none of the labels
 */
export function alertTableOfRows(
  { models, rows, targets, panel, texts }: RowsBesideTools,
  onEvent: EventSink,
): AlertTable {
  if (targets.some((target) => typeof target !== "object")) throw oneLabel();
  const labels = [...new Set([...models.flatMap((model) => model.labels), ...(targets as string[][]).flat()])];
  const shared = labels.filter((label) => panel.classes.includes(label));
  if (shared.length === 0) throw nothingShared(labels, panel.classes);
  tellStrange(labels, panel.classes, onEvent);
  const members = (answers: readonly Answer[]): Uint8Array => membersOf(answers, labels);
  return {
    labels,
    targets: members(targets),
    models: models.map((subject, s): AlertModel => {
      const own = rows.map((row) => row[s]!);
      const probabilities = probabilitiesOf(subject, own, labels);
      return {
        name: subject.name,
        answers: members(own.map(({ answer }) => answer)),
        probabilities,
        thresholds: labels.map((label) => subject.thresholds?.[subject.labels.indexOf(label)] ?? 0.5),
        validation: probabilities && validationOf(subject, labels, panel, texts),
      };
    }),
    tools: panel.answers.map(({ tool: name }, t) => ({
      name,
      answers: members(rows.map((row) => row[models.length + t]!.answer)),
      covers: labels.map((label) => panel.covers(t, label)),
    })),
  };
}

/** [rows, labels] */
function membersOf(answers: readonly Answer[], labels: readonly string[]): Uint8Array {
  const places = new Map(labels.map((label, place) => [label, place]));
  const members = new Uint8Array(answers.length * labels.length);
  for (const [row, answer] of answers.entries()) {
    for (const name of answer) {
      const place = places.get(name);
      if (place !== undefined) members[row * labels.length + place] = 1;
    }
  }
  return members;
}

/** [rows, labels]; labels that a model does not know have none. */
function probabilitiesOf(
  { labels: own }: SubjectRows,
  rows: readonly SubjectRow[],
  labels: readonly string[],
): Float64Array | undefined {
  if (rows.some(({ probabilities }) => probabilities === undefined)) return undefined;
  const table = new Float64Array(rows.length * labels.length);
  for (const [row, { probabilities }] of rows.entries()) {
    for (const [c, name] of own.entries()) table[row * labels.length + labels.indexOf(name)] = probabilities![c] ?? 0;
  }
  return table;
}

function validationOf(
  subject: SubjectRows,
  labels: readonly string[],
  panel: ToolPanel,
  texts: ReadonlyMap<string, string>,
): ValidationAlerts | undefined {
  const rows = subject.validation?.filter(({ where, target }) => target !== undefined && texts.has(where!)) ?? [];
  if (rows.length === 0) return undefined;
  return {
    targets: membersOf(
      rows.map(({ target }) => target!),
      labels,
    ),
    probabilities: probabilitiesOf(subject, rows, labels)!,
    tools: panel.answers.map((_, t) =>
      membersOf(
        rows.map(({ where }) => panel.labels(t, texts.get(where!)!) ?? []),
        labels,
      ),
    ),
  };
}

function tellStrange(labels: readonly string[], classes: readonly string[], onEvent: EventSink): void {
  const strange = labels.filter((label) => !classes.includes(label));
  if (strange.length === 0) return;
  const message = `the taxonomy has no class for ${strange.join(", ")}: no tool can name them`;
  onEvent({ kind: "note", level: "warning", message });
}

function oneLabel(): UserError {
  return new UserError({
    code: "compare/one-label",
    message: "tools say which of several risks a file has; these rows have one label each",
    fix: "compare without --tools, or on rows with a list of labels",
  });
}

function nothingShared(labels: readonly string[], classes: readonly string[]): UserError {
  return new UserError({
    code: "compare/no-class",
    message: `the taxonomy has none of the labels: it has ${classes.slice(0, 5).join(", ")}; the rows have ${labels.slice(0, 5).join(", ")}`,
    fix: "name the taxonomy of these labels: --taxonomy FILE",
  });
}
