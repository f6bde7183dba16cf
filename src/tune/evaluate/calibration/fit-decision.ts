import type { EvaluationOptions, ThresholdOptions } from "../../../base/recipe/recipe.ts";
import { DEFAULT_THRESHOLD, type Decision, decide, plainDecision, probabilitiesOf } from "../../score/decision.ts";
import { Evaluator } from "../classification-report.ts";
import { LabelSetEvaluator } from "../label-sets.ts";
import type { MetricValue } from "../metric.ts";
import { ScoreTable } from "../score-table.ts";
import { chooseThreshold } from "./choose-threshold.ts";
import { fitTemperature } from "./temperature.ts";

/** What was chosen, and how good the same rows are answered without it and with it. */
export interface FittedDecision {
  readonly decision: Decision;
  readonly rows: number;
  readonly before: Readonly<Record<string, MetricValue>>;
  readonly after: Readonly<Record<string, MetricValue>>;
  /** Mean cost of a row, where thresholds go by cost. */
  readonly cost: { readonly before: number; readonly after: number } | undefined;
  /** What could not be had as it was asked for. */
  readonly limits: readonly string[];
}

export type DecisionOptions = Pick<EvaluationOptions, "calibration" | "threshold">;

/**
 * Fits the temperature, then chooses thresholds by the probabilities that it gives.
 * @param logits of validation rows, with their true labels
 * @param positive of two labels
 */
export function fitDecision(
  logits: ScoreTable,
  labels: readonly string[],
  positive: number | undefined,
  { calibration, threshold: rule }: DecisionOptions,
): FittedDecision {
  const limits: string[] = [];
  const plain = plainDecision(labels.length, logits.multiLabel, positive);
  let decision = plain;
  if (calibration === "temperature") {
    const { temperature, limit } = fitTemperature(logits);
    if (limit !== undefined) limits.push(`temperature ${temperature}: ${limit}`);
    decision = { ...decision, temperature };
  }
  if (rule !== null) decision = withThresholds(decision, logits, labels, rule, limits);
  const costs = rule?.choose === "cost" ? costsOf(rule, labels, decision.positive, logits.multiLabel) : undefined;
  return {
    decision,
    rows: logits.rows,
    before: measure(logits, labels, plain),
    after: measure(logits, labels, decision),
    cost: costs && { before: meanCost(logits, plain, costs), after: meanCost(logits, decision, costs) },
    limits,
  };
}

function withThresholds(
  decision: Decision,
  logits: ScoreTable,
  labels: readonly string[],
  rule: ThresholdOptions,
  limits: string[],
): Decision {
  const { positive } = decision;
  const probabilities = new ScoreTable(labels.length, logits.multiLabel, logits.rows);
  for (let row = 0; row < logits.rows; row++) {
    const truth = logits.multiLabel ? logits.trueLabels(row) : logits.target(row);
    probabilities.add(truth, probabilitiesOf(logits.row(row), decision));
  }
  const choose = (label: number, own: Parameters<typeof chooseThreshold>[2]): number => {
    const column = probabilities.column(label);
    const { threshold, limit } = chooseThreshold(logits.truth(label), column, own, DEFAULT_THRESHOLD);
    if (limit !== undefined) limits.push(`threshold of ${labels[label]}: ${limit}`);
    return threshold;
  };
  if (logits.multiLabel) return { ...decision, thresholds: labels.map((_, label) => choose(label, rule)) };
  const costs = costsOf(rule, labels, positive, false);
  if (positive === undefined) return { ...decision, costs };
  const other = 1 - positive;
  const false_positive = costs[other]![positive]! - costs[other]![other]!;
  const false_negative = costs[positive]![other]! - costs[positive]![positive]!;
  return { ...decision, threshold: choose(positive, { ...rule, false_positive, false_negative }) };
}

/** [true label][label given]; with several labels a row [is true][is given], as numbers 0 and 1. */
function costsOf(
  { cost_matrix: matrix, false_positive, false_negative }: ThresholdOptions,
  labels: readonly string[],
  positive: number | undefined,
  multiLabel: boolean,
): readonly (readonly number[])[] {
  if (multiLabel) {
    return [
      [0, false_positive],
      [false_negative, 0],
    ];
  }
  const usual = (truth: number, given: number): number => {
    if (truth === given) return 0;
    return positive === undefined ? 1 : given === positive ? false_positive : false_negative;
  };
  const given = (truth: number, label: number): number =>
    matrix?.[labels[truth]!]?.[labels[label]!] ?? (matrix === null ? usual(truth, label) : truth === label ? 0 : 1);
  return labels.map((_, truth) => labels.map((__, label) => given(truth, label)));
}

function measure(logits: ScoreTable, labels: readonly string[], decision: Decision): Record<string, MetricValue> {
  const { rows, multiLabel } = logits;
  const single = new Evaluator(labels, { positive: decision.positive, expected: rows });
  const sets = new LabelSetEvaluator(labels, { expected: rows });
  for (let row = 0; row < rows; row++) {
    const probabilities = probabilitiesOf(logits.row(row), decision);
    const { predicted, chosen = [] } = decide(probabilities, decision);
    if (!multiLabel) single.add({ target: logits.target(row), probabilities, predicted, outside: 0 });
    else sets.add({ truth: logits.trueLabels(row), answer: chosen, probabilities, outside: 0 });
  }
  return multiLabel ? sets.measure() : single.measure();
}

function meanCost(logits: ScoreTable, decision: Decision, costs: readonly (readonly number[])[]): number {
  let sum = 0;
  for (let row = 0; row < logits.rows; row++) {
    const { predicted, chosen } = decide(probabilitiesOf(logits.row(row), decision), decision);
    if (chosen === undefined) sum += costs[logits.target(row)]![predicted]!;
    else {
      for (let c = 0; c < logits.labels; c++) {
        sum += costs[logits.isTrue(row, c) ? 1 : 0]![chosen.includes(c) ? 1 : 0]!;
      }
    }
  }
  return sum / logits.rows;
}
