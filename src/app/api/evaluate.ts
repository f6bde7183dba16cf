import type { EventSink } from "../../base/events.ts";
import type { Dataset } from "../../tune/data/dataset.ts";
import type { ProblemGroup } from "../../tune/data/problems.ts";
import { Problems } from "../../tune/data/problems.ts";
import type { Evaluation } from "../../tune/evaluate/classification-report.ts";
import { evaluateLabels } from "../../tune/evaluate/evaluate-labels.ts";
import type { Mistake } from "../../tune/evaluate/mistakes.ts";
import { labelNames, predictRows } from "../../tune/score/predict-rows.ts";
import { type JudgedRow, judgedRow } from "./answered-row.ts";
import type { LoadedModel } from "./load-model.ts";
import { classifierOf, loadScoringSet } from "./scoring-set.ts";

export interface EvaluateOptions {
  /** Files with labelled rows. */
  readonly data: readonly string[];
  /** Label names in order; default: those of the run or recipe, otherwise those that the data has. */
  readonly labels?: readonly string[] | undefined;
  /** At most this many rows. */
  readonly limit?: number | undefined;
  /** How many of the mistakes that the model was surest of are kept; default 20. */
  readonly mistakes?: number | undefined;
  /** Told what the model says to each labelled row, in their order. */
  readonly onRow?: ((row: JudgedRow) => void) | undefined;
  readonly onEvent?: EventSink | undefined;
}

export interface EvaluationResult extends Evaluation {
  readonly mistakes: readonly Mistake[];
  /** Rows that could not be scored. */
  readonly skipped: number;
  /** What was wrong with rows, skipped or not. */
  readonly problems: readonly ProblemGroup[];
}

/**
 * Scores every label of every row exactly, and says how often the most probable one is right.
 * @throws UserError when the data has no labelled row
 */
export async function evaluate(model: LoadedModel, options: EvaluateOptions): Promise<EvaluationResult> {
  const { onEvent = () => {} } = options;
  const dataset = await loadScoringSet(model, options.data, { ...options, answerOptional: false }, onEvent);
  return evaluateSet(model, dataset, options);
}

/** The same of rows that are read already. */
export async function evaluateSet(
  model: LoadedModel,
  dataset: Dataset,
  options: Omit<EvaluateOptions, "data">,
): Promise<EvaluationResult> {
  const { onRow, onEvent = () => {} } = options;
  const problems = new Problems();
  const classifier = classifierOf(model, dataset);
  const names = labelNames(dataset);
  const evaluation = await evaluateLabels(predictRows(classifier, dataset, problems), {
    labels: names,
    multiLabel: classifier.decision.multiLabel,
    positive: classifier.decision.positive,
    total: dataset.length / dataset.together,
    mistakes: options.mistakes ?? 20,
    onPrediction(prediction) {
      const row = onRow && judgedRow(prediction, dataset, names);
      if (row !== undefined) onRow!(row);
    },
    onEvent,
  });
  for (const line of problems.lines()) onEvent({ kind: "note", level: "warning", message: line });
  return {
    ...evaluation,
    skipped: dataset.skipped + problems.skipped,
    problems: [...dataset.problems, ...problems.groups()],
  };
}
