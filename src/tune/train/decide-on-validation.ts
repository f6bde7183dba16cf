/** After training: how probabilities are read is chosen on the validation set, as `evaluation` of the recipe says. */
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { Problems } from "../data/problems.ts";
import { type FittedDecision, fitDecision } from "../evaluate/calibration/fit-decision.ts";
import { ScoreTable } from "../evaluate/score-table.ts";
import type { Prediction } from "../score/prediction.ts";
import type { ClassifierFile } from "./classifier-file.ts";
import { scoreValidation } from "./score-validation.ts";
import { tellDecision } from "./tell-decision.ts";
import type { ValidatorOptions } from "./validate.ts";

/** What a decision is in `classifier.json`. */
export type DecisionKeys = Pick<
  ClassifierFile,
  "thresholds" | "temperature" | "positive_label" | "costs" | "chosen_on"
>;

/**
 * Undefined where the recipe asks for nothing of it; also where nothing can be chosen, which is told: what was trained is
 * worth keeping all the same.
 */
export async function decideOnValidation(options: ValidatorOptions): Promise<DecisionKeys | undefined> {
  const { evaluation } = options.recipe;
  if (evaluation.calibration === null && evaluation.threshold === null) return undefined;
  const { onEvent } = options;
  try {
    const { predictions, labels, multiLabel, positive, total } = scoreValidation(options, new Problems());
    const logits = await logitsOf(predictions, labels.length, multiLabel, total, onEvent);
    const fitted = fitDecision(logits, labels, positive, evaluation);
    tellDecision(fitted, labels, evaluation, "validation", onEvent);
    return decisionKeys(fitted, labels, "validation");
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const message = `no temperature or threshold was chosen: ${error.describe()}; \`fettle calibrate\` can do it on other rows`;
    onEvent({ kind: "note", level: "warning", message });
    return undefined;
  }
}

/**
 * Logits and true labels of the rows whose labels are known.
 * @throws UserError when there is no such row, or there are more than are kept
 */
export async function logitsOf(
  predictions: AsyncIterable<Prediction>,
  labels: number,
  multiLabel: boolean,
  total: number,
  onEvent: EventSink,
): Promise<ScoreTable> {
  const logits = new ScoreTable(labels, multiLabel, total);
  let done = 0;
  for await (const { row, logits: own } of predictions) {
    const truth = multiLabel ? row.targets : row.target;
    if (truth !== undefined) logits.add(truth, own);
    if (++done % 64 === 0 || done === total) {
      onEvent({ kind: "progress", task: "calibrate", done, total, unit: "rows" });
    }
  }
  if (logits.rows > 0) return logits;
  throw new UserError({
    code: "calibrate/rows",
    message: logits.full ? `${total} rows of ${labels} labels are too many to calibrate on` : "no row has a label",
    fix: logits.full ? "take fewer: evaluation.eval_samples, or --limit" : "name the label's field in data.columns",
  });
}

/** @param data what the choice was made on */
export function decisionKeys(
  { decision, rows, before, after }: FittedDecision,
  labels: readonly string[],
  data: string,
): DecisionKeys {
  const { multiLabel, thresholds, threshold, positive, temperature, costs } = decision;
  const chosen = threshold === undefined ? null : { [labels[positive!]!]: threshold };
  const valuesOf = (metrics: FittedDecision["before"]): Record<string, number | null> =>
    Object.fromEntries(Object.entries(metrics).map(([name, { value }]) => [name, value]));
  return {
    thresholds: multiLabel ? Object.fromEntries(labels.map((name, c) => [name, thresholds[c]!])) : chosen,
    temperature: temperature === 1 ? null : temperature,
    positive_label: positive === undefined ? null : labels[positive]!,
    costs: costs ?? null,
    chosen_on: { data, rows, before: valuesOf(before), after: valuesOf(after) },
  };
}
