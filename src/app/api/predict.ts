import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import type { Dataset } from "../../tune/data/dataset.ts";
import { Problems } from "../../tune/data/problems.ts";
import { labelNames, predictRows } from "../../tune/score/predict-rows.ts";
import { type AnsweredRow, answeredRow } from "./answered-row.ts";
import type { LoadedModel } from "./load-model.ts";
import { classifierOf, loadScoringSet, type ScoringSetOptions, scoringSetOf } from "./scoring-set.ts";

export interface PredictOptions extends Pick<ScoringSetOptions, "labels" | "limit" | "format"> {
  /** Texts to label. */
  readonly texts?: readonly string[] | undefined;
  /** Files whose rows to label; labels in them are ignored. */
  readonly data?: readonly string[] | undefined;
  readonly onEvent?: EventSink | undefined;
}

export type Prediction = AnsweredRow;

/** Rows between two progress events. */
const ROWS_PER_EVENT = 64;

/**
 * Labels texts or the rows of files, in their order.
 * @throws UserError when labels are not known, or no row can be read or labelled
 */
export async function* predict(model: LoadedModel, options: PredictOptions): AsyncGenerator<Prediction> {
  const { onEvent = () => {} } = options;
  const dataset = await datasetOf(model, options, onEvent);
  const names = labelNames(dataset);
  const problems = new Problems();
  const total = dataset.length / dataset.together;
  let done = 0;
  for await (const prediction of predictRows(classifierOf(model, dataset), dataset, problems)) {
    yield answeredRow(prediction, dataset, names);
    if (++done % ROWS_PER_EVENT === 0) {
      onEvent({ kind: "progress", task: "predict", done, total, unit: "rows" });
    }
  }
  const lines = problems.lines();
  if (done === 0) {
    throw new UserError({
      code: "predict/no-rows",
      message: `no row could be labelled: ${lines.join("; ")}`,
      where: dataset.where(0),
      fix: "look at the first row named above",
    });
  }
  for (const line of lines) onEvent({ kind: "note", level: "warning", message: line });
}

async function datasetOf(model: LoadedModel, options: PredictOptions, onEvent: EventSink): Promise<Dataset> {
  const { texts, data = [] } = options;
  if (texts !== undefined) return scoringSetOf(model, texts, options.labels);
  return loadScoringSet(model, data, { ...options, answerOptional: true }, onEvent);
}
