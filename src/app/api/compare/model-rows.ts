import { basename, resolve } from "node:path";
import { UserError } from "../../../base/errors.ts";
import type { EventSink } from "../../../base/events.ts";
import type { Dataset } from "../../../tune/data/dataset.ts";
import { Problems } from "../../../tune/data/problems.ts";
import { labelNames, predictRows } from "../../../tune/score/predict-rows.ts";
import { evaluateAnswerSet } from "../evaluate-answers.ts";
import type { LoadedModel } from "../load-model.ts";
import { classifierOf, loadScoringSet } from "../scoring-set.ts";
import { EXCERPT, refuseTooMany, type SubjectRow, type SubjectRows, scoresOfText } from "./subject-rows.ts";

const ROWS_PER_EVENT = 64;

export interface ModelRowsOptions {
  readonly data: readonly string[];
  readonly labels: readonly string[] | undefined;
  readonly limit: number | undefined;
  /** Of a written answer. */
  readonly maxNewTokens: number | undefined;
  /** What the rows are; default `test`. */
  readonly part?: "validation" | "test" | undefined;
}

/**
 * What a model says to the rows of files: labels where rows have them, otherwise answers that it writes.
 * @throws UserError when no row has a label or an answer, or none could be asked
 */
export async function modelRows(
  model: LoadedModel,
  { data, labels, limit, maxNewTokens, part }: ModelRowsOptions,
  onEvent: EventSink,
): Promise<SubjectRows> {
  const { path, answers } = model.artefact;
  const dataset = await loadScoringSet(model, data, { labels, limit, answerOptional: false, part }, onEvent);
  const labelled = dataset.labels !== undefined || dataset.asked !== undefined || answers.head !== undefined;
  const answered = labelled
    ? await labelledRows(model, dataset, onEvent)
    : await writtenRows(model, dataset, maxNewTokens, onEvent);
  const names = labelled ? labelNames(dataset) : [];
  if (answered.rows.length > 0) {
    const skipped = dataset.skipped + answered.skipped;
    return { ...answered, name: basename(resolve(path)), labels: names, skipped };
  }
  throw new UserError({
    code: "compare/no-rows",
    message: "no row could be scored",
    where: path,
    fix: "look at the first row named above",
  });
}

/** `skipped`: rows that could not be asked. */
type Rows = Pick<SubjectRows, "rows" | "skipped" | "thresholds">;

async function labelledRows(model: LoadedModel, dataset: Dataset, onEvent: EventSink): Promise<Rows> {
  const { path } = model.artefact;
  const names = labelNames(dataset);
  const named = (indices: readonly number[]): string[] => indices.map((c) => names[c]!);
  const problems = new Problems();
  const total = dataset.length / dataset.together;
  const rows: SubjectRow[] = [];
  const progress = (): void =>
    onEvent({ kind: "progress", task: basename(path), done: rows.length, total, unit: "rows" });
  const classifier = classifierOf(model, dataset);
  for await (const prediction of predictRows(classifier, dataset, problems)) {
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
    if (rows.length % ROWS_PER_EVENT === 0) progress();
  }
  progress();
  for (const line of problems.lines()) onEvent({ kind: "note", level: "warning", message: line });
  return { rows, skipped: problems.skipped, thresholds: classifier.decision.thresholds };
}

async function writtenRows(
  model: LoadedModel,
  dataset: Dataset,
  maxNewTokens: number | undefined,
  onEvent: EventSink,
): Promise<Rows> {
  const rows: SubjectRow[] = [];
  const { skipped } = await evaluateAnswerSet(model, dataset, {
    ...(maxNewTokens !== undefined && { maxNewTokens }),
    worst: 0,
    onEvent,
    onAnswer({ row, where, prompt, answer, expected }) {
      refuseTooMany(rows.length, where);
      rows.push({
        ...{ where, row, fields: {} },
        answer: answer.slice(0, EXCERPT),
        scores: scoresOfText(answer, expected),
        target: expected.slice(0, EXCERPT),
        text: prompt.slice(0, EXCERPT),
        characters: prompt.length,
      });
    },
  });
  return { rows, skipped: skipped - dataset.skipped };
}
