import { basename, resolve } from "node:path";
import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import { Problems } from "../../../tune/data/problems.ts";
import { labelNames, predictRows } from "../../../tune/score/predict-rows.ts";
import type { LoadedModel } from "../load-model.ts";
import { classifierOf, loadScoringSet } from "../scoring-set.ts";
import { EXCERPT, refuseTooMany, type SubjectRow, type SubjectRows } from "./subject-rows.ts";

const ROWS_PER_EVENT = 64;

export interface ModelRowsOptions {
  readonly data: readonly string[];
  readonly labels: readonly string[] | undefined;
  readonly limit: number | undefined;
}

/**
 * What a model says to the labelled rows of files.
 * @throws UserError when no row has a label, or could be scored
 */
export async function modelRows(
  model: LoadedModel,
  { data, labels, limit }: ModelRowsOptions,
  onEvent: EventSink,
): Promise<SubjectRows> {
  const { path } = model.artefact;
  const dataset = await loadScoringSet(model, data, { labels, limit, answerOptional: false }, onEvent);
  const names = labelNames(dataset);
  const named = (indices: readonly number[]): string[] => indices.map((c) => names[c]!);
  const problems = new Problems();
  const total = dataset.length / dataset.together;
  const rows: SubjectRow[] = [];
  for await (const prediction of predictRows(classifierOf(model, dataset), dataset, problems)) {
    const { row, predicted, probabilities, chosen } = prediction;
    refuseTooMany(rows.length, path);
    rows.push({
      where: dataset.where(row.index * dataset.together),
      row: row.index + 1,
      answer: chosen === undefined ? names[predicted]! : named(chosen),
      probabilities,
      target: chosen === undefined ? names[row.target!] : row.targets && named(row.targets),
      text: row.text.slice(0, EXCERPT),
      characters: row.text.length,
      fields: {},
    });
    if (rows.length % ROWS_PER_EVENT === 0) {
      onEvent({ kind: "progress", task: basename(path), done: rows.length, total, unit: "rows" });
    }
  }
  onEvent({ kind: "progress", task: basename(path), done: rows.length, total: rows.length, unit: "rows" });
  for (const line of problems.lines()) onEvent({ kind: "note", level: "warning", message: line });
  if (rows.length > 0)
    return { name: basename(resolve(path)), labels: names, rows, skipped: dataset.skipped + problems.skipped };
  throw new UserError({
    code: "compare/no-rows",
    message: `no row could be scored: ${problems.lines().join("; ")}`,
    where: path,
    fix: "look at the first row named above",
  });
}
