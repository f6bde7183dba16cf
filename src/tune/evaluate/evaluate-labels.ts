import type { EventSink, LabelStanding } from "../../base/events.ts";
import type { Prediction } from "../score/prediction.ts";
import type { BootstrapOptions } from "./bootstrap.ts";
import { type Evaluation, Evaluator } from "./classification-report.ts";
import { LabelSetEvaluator } from "./label-sets.ts";
import type { MetricValue } from "./metric.ts";
import { type Mistake, Mistakes } from "./mistakes.ts";

/** Rows between two progress events. */
const ROWS_PER_EVENT = 64;
/** Characters of a mistake's text that are kept. */
const MISTAKE_TEXT = 2000;

interface JudgeOptions {
  readonly labels: readonly string[];
  readonly bootstrap?: BootstrapOptions;
  /** Rows to come, for progress. */
  readonly total: number;
  /** Index of the positive one of two labels; default: the second. */
  readonly positive?: number | undefined;
}

export interface EvaluateLabelsOptions<P extends Prediction = Prediction> extends JudgeOptions {
  /** Whether rows have several labels. */
  readonly multiLabel?: boolean;
  readonly onEvent: EventSink;
  /** How many of the surest mistakes are kept; default 0. */
  readonly mistakes?: number;
  /** Called for every row, also those whose label is not known. */
  readonly onPrediction?: (prediction: P) => void;
}

export interface LabelEvaluation extends Evaluation {
  readonly mistakes: readonly Mistake[];
}

/**
 * Scores a set once and says how good the model is on it. Of a row its label and scores are kept, up to a bound.
 * @throws UserError when no row has a label, or the model gives no numbers.
 */
export async function evaluateLabels<P extends Prediction>(
  predictions: AsyncIterable<P>,
  options: EvaluateLabelsOptions<P>,
): Promise<LabelEvaluation> {
  const mistakes = new Mistakes(options.mistakes ?? 0);
  const judge = await judged(predictions, options, mistakes);
  return { ...judge.finish(), mistakes: mistakes.list() };
}

export interface LabelMeasures {
  readonly metrics: Readonly<Record<string, MetricValue>>;
  /** By name, in the labels' order. */
  readonly standings: Readonly<Record<string, LabelStanding>>;
}

/**
 * Every metric of a set, and how each label is told apart, without intervals.
 * @throws UserError when no row has a label, or the model gives no numbers.
 */
export async function measureLabels<P extends Prediction>(
  predictions: AsyncIterable<P>,
  options: EvaluateLabelsOptions<P>,
): Promise<LabelMeasures> {
  const judge = await judged(predictions, options, new Mistakes(0));
  const metrics = judge.measure();
  const standings = judge.standings();
  return { metrics, standings: Object.fromEntries(options.labels.map((label, c) => [label, standings[c]!])) };
}

async function judged<P extends Prediction>(
  predictions: AsyncIterable<P>,
  options: EvaluateLabelsOptions<P>,
  mistakes: Mistakes,
): Promise<Judge> {
  const { labels, total, onEvent, onPrediction } = options;
  const judge = options.multiLabel ? labelSets(options) : singleLabels(options);
  const start = performance.now();
  let done = 0;
  const report = (): void => {
    const rate = (1000 * done) / (performance.now() - start);
    const figures = { "examples/s": rate.toFixed(rate < 10 ? 1 : 0) };
    onEvent({ kind: "progress", task: "score", done, total, unit: "examples", figures });
  };
  const named = (members: readonly number[]): string => members.map((c) => labels[c]!).join(", ") || NO_LABEL;
  for await (const prediction of predictions) {
    onPrediction?.(prediction);
    const mistake = judge.add(prediction);
    if (mistake !== undefined) {
      const { truth, answer, probability } = mistake;
      const text = prediction.row.text.slice(0, MISTAKE_TEXT);
      mistakes.add({ text, label: named(truth), predicted: named(answer), probability });
    }
    if (++done % ROWS_PER_EVENT === 0) report();
  }
  report();
  return judge;
}

/** How an empty set of labels is written. */
const NO_LABEL = "(none)";

interface Judged {
  readonly truth: readonly number[];
  readonly answer: readonly number[];
  /** How sure the model was of what is wrong. */
  readonly probability: number;
}

interface Judge {
  /** Counts a row whose labels are known; what was wrong with it, if anything. */
  readonly add: (prediction: Prediction) => Judged | undefined;
  readonly measure: () => Record<string, MetricValue>;
  readonly standings: () => readonly LabelStanding[];
  readonly finish: () => Evaluation;
}

function singleLabels({ labels, bootstrap, positive, total }: JudgeOptions): Judge {
  const evaluator = new Evaluator(labels, { ...bootstrap, positive, expected: total });
  return {
    add({ row: { target }, predicted, probabilities, outside }) {
      if (target === undefined) return undefined;
      evaluator.add({ target, probabilities, outside, predicted });
      if (predicted === target) return undefined;
      return { truth: [target], answer: [predicted], probability: probabilities[predicted]! };
    },
    measure: () => evaluator.measure(),
    standings: () => evaluator.standings(),
    finish: () => evaluator.finish(),
  };
}

function labelSets({ labels, bootstrap, total }: JudgeOptions): Judge {
  const evaluator = new LabelSetEvaluator(labels, { ...bootstrap, expected: total });
  return {
    add({ row: { targets: truth }, chosen: answer = [], probabilities, outside }) {
      if (truth === undefined) return undefined;
      evaluator.add({ truth, answer, probabilities, outside });
      const wrong = labels.flatMap((_, c) => (truth.includes(c) === answer.includes(c) ? [] : [c]));
      if (wrong.length === 0) return undefined;
      const sureness = wrong.map((c) => (answer.includes(c) ? probabilities[c]! : 1 - probabilities[c]!));
      return { truth, answer, probability: Math.max(...sureness) };
    },
    measure: () => evaluator.measure(),
    standings: () => evaluator.standings(),
    finish: () => evaluator.finish(),
  };
}
