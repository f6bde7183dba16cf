import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { openDataFiles, readDataFiles } from "../../tune/data/data-files.ts";
import type { Dataset } from "../../tune/data/dataset.ts";
import type { Row } from "../../tune/data/example.ts";
import { keepRow } from "../../tune/data/keep-row.ts";
import type { Labels } from "../../tune/data/labels.ts";
import { datasetOf } from "../../tune/data/load-dataset.ts";
import { ownLabels } from "../../tune/data/own-labels.ts";
import { Problems } from "../../tune/data/problems.ts";
import type { RawRow } from "../../tune/data/row.ts";
import { RowAtHand } from "../../tune/data/row-at-hand.ts";
import { detectShape, labelListNames, type Shape } from "../../tune/data/shape.ts";
import { partNamed } from "../../tune/data/sources/parts.ts";
import { lookAtFields, surveyRows } from "../../tune/data/survey.ts";
import { type DataTask, taskOf } from "../../tune/data/task.ts";
import type { DataContext } from "./data-context.ts";

/** A set whose rows are read one at a time. */
export interface OpenSet {
  readonly formats: readonly string[];
  /** Undefined where nobody says what rows are and no shape is known for them. */
  readonly shape: Shape | undefined;
  /** Why it is this one, or none. */
  readonly reason: string;
  readonly task: DataTask;
  /** Names in order; undefined where they are only known row by row, and in sets without labels. */
  readonly labels: Labels | undefined;
  /**
   * All rows that can be read, from the first; may be called again. Those that training could not use have no row.
   * @param problems what is wrong with these, and with what cannot be read
   */
  rows(problems: Problems): AsyncGenerator<OpenRow>;
}

export interface OpenRow {
  readonly raw: RawRow;
  readonly row: Row | undefined;
  /** The row as a set of its own: its example, or the questions about it. */
  readonly dataset: () => Dataset;
  /** Names that the row's labels are indices of. */
  readonly labels: Labels | undefined;
}

/** Labels that nobody declared and that cannot be labels: a recipe must say more before training, a look need not. */
const lenient = ["data/one-label", "data/too-many-labels", "data/no-label-lists"];

/**
 * @param labels of the training set, for the other sets of a recipe
 * @throws UserError for files that cannot be read; where a recipe is given, for what would stop training
 */
export async function openSet(
  { recipe, stated, tokens }: DataContext,
  { name, files: paths }: DataContext["sets"][number],
  labels: Labels | undefined,
  onEvent: EventSink,
): Promise<OpenSet> {
  const { data, template } = recipe;
  const { columns } = data;
  const files = await openDataFiles(paths, data, onEvent, partNamed(name));
  const found = await lookAtFields(files, columns);
  const task = stated ? taskOf(recipe) : guessedTask(taskOf(recipe), found.lists, tokens !== undefined);
  const hints = { ...found, template, columns, task, labelExpected: false, where: paths.join(", ") };
  const { shape, reason, known } = await (async () => {
    try {
      const survey = await surveyRows(files, { name, data, template, labels, task }, onEvent);
      return { shape: survey.shape, reason: survey.shape.reason, known: survey.labels };
    } catch (error) {
      if (stated || !(error instanceof UserError)) throw error;
      if (lenient.includes(error.code)) {
        const own = detectShape(hints);
        return { shape: own, reason: own.reason, known: undefined };
      }
      if (!error.code.startsWith("data/")) throw error;
      const why = [error.message, error.fix].filter((part) => part !== undefined).join("; ");
      return { shape: undefined, reason: why, known: undefined };
    }
  })();

  return {
    formats: [...new Set(files.map(({ format }) => format))],
    shape,
    reason,
    task,
    labels: known,
    async *rows(problems) {
      let count = 0;
      for await (const { raw, path } of readDataFiles(files, problems)) {
        const names = known ?? (shape && ownLabels(raw, shape, columns, task.multiLabel));
        const rules = shape && { shape, columns, labels: names, task, answerOptional: false };
        const row = rules && keepRow(raw, path, rules, problems);
        const dataset = (): Dataset => datasetOf(name, shape!, names, new RowAtHand(row!), new Problems(), task);
        yield { raw, row, dataset, labels: names };
        if (row !== undefined && ++count === data.limit) return;
      }
    },
  };
}

/** Rows with lists of labels are for a class head, or for questions about each label where a model will answer. */
function guessedTask(task: DataTask, lists: ReadonlySet<string>, answers: boolean): DataTask {
  if (task.multiLabel || !labelListNames.some((name) => lists.has(name))) return task;
  return { ...task, multiLabel: true, classHead: task.classHead || !answers };
}
