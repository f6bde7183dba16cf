/** Answers of several subjects to the same rows. */
import { macroF1Of, macroF1OfSets, meanOf, rocAucOf, type WeightedMetric } from "./weighted-metrics.ts";

/** One label a row. */
export interface LabelTable {
  readonly kind: "label";
  readonly labels: readonly string[];
  /** [rows] */
  readonly targets: Int32Array;
  readonly subjects: readonly {
    readonly name: string;
    /** [rows] */
    readonly answers: Int32Array;
    /** [rows, labels] */
    readonly probabilities?: Float64Array | undefined;
  }[];
}

/** Several labels a row. */
export interface LabelSetTable {
  readonly kind: "labels";
  readonly labels: readonly string[];
  /** [rows, labels] 1 where the row has the label. */
  readonly targets: Uint8Array;
  readonly subjects: readonly {
    readonly name: string;
    /** [rows, labels] */
    readonly answers: Uint8Array;
    /** [rows, labels] */
    readonly probabilities?: Float64Array | undefined;
  }[];
}

/** Figures of each row, the higher the better: what a written answer was found to be worth. */
export interface ScoreTable {
  readonly kind: "score";
  readonly subjects: readonly {
    readonly name: string;
    /** [rows] each, by the same names for all; the first one decides. */
    readonly scores: ReadonlyMap<MetricName, Float64Array>;
  }[];
}

export type AnswerTable = LabelTable | LabelSetTable | ScoreTable;

/** Of labels; the figure that a file brings along; and metrics of written answers, by their names elsewhere. */
export type MetricName =
  | ("accuracy" | "macroF1" | "rocAuc" | "logLoss" | "score")
  | ("exact_match" | "squad_exact_match" | "token_f1" | "char_f1" | "chrf");

/** What one subject is measured by. */
export interface Measured {
  /** [rows] what each row counts for: 1 right and 0 wrong, or its first score. */
  readonly scores: Float64Array;
  /** The first one is the mean of `scores`. */
  readonly metrics: ReadonlyMap<MetricName, WeightedMetric>;
}

/** Subjects in order. ROC AUC and log loss are there when every subject gives probabilities. */
export function measure(table: AnswerTable): Measured[] {
  if (table.kind === "score") {
    return table.subjects.map(({ scores }) => ({
      scores: decisive(scores),
      metrics: new Map([...scores].map(([name, values]) => [name, meanOf(values)])),
    }));
  }
  return table.kind === "label" ? measureLabels(table) : measureSets(table);
}

function decisive(scores: ReadonlyMap<MetricName, Float64Array>): Float64Array {
  return scores.values().next().value!;
}

function measureLabels({ labels, targets, subjects }: LabelTable): Measured[] {
  const probable = subjects.every(({ probabilities }) => probabilities !== undefined);
  const isTrue = new Uint8Array(probable ? targets.length * labels.length : 0);
  if (probable) for (let row = 0; row < targets.length; row++) isTrue[row * labels.length + targets[row]!] = 1;
  return subjects.map(({ answers, probabilities }) => {
    const scores = Float64Array.from(targets, (target, row) => (answers[row] === target ? 1 : 0));
    const metrics = new Map<MetricName, WeightedMetric>([
      ["accuracy", meanOf(scores)],
      ["macroF1", macroF1Of(targets, answers, labels.length)],
    ]);
    if (probable) {
      const losses = Float64Array.from(targets, (target, row) => lossOf(probabilities![row * labels.length + target]!));
      metrics.set("rocAuc", rocAucOf(isTrue, probabilities!, labels.length)).set("logLoss", meanOf(losses));
    }
    return { scores, metrics };
  });
}

function measureSets({ labels, targets, subjects }: LabelSetTable): Measured[] {
  const rows = targets.length / labels.length;
  const probable = subjects.every(({ probabilities }) => probabilities !== undefined);
  return subjects.map(({ answers, probabilities }) => {
    const of = (row: number, value: (at: number) => number): number => {
      let sum = 0;
      for (let label = 0; label < labels.length; label++) sum += value(row * labels.length + label);
      return sum;
    };
    const scores = Float64Array.from({ length: rows }, (_, row) =>
      of(row, (at) => (answers[at] === targets[at] ? 0 : 1)) === 0 ? 1 : 0,
    );
    const metrics = new Map<MetricName, WeightedMetric>([
      ["accuracy", meanOf(scores)],
      ["macroF1", macroF1OfSets(targets, answers, labels.length)],
    ]);
    if (probable) {
      const loss = (at: number): number => lossOf(targets[at] === 1 ? probabilities![at]! : 1 - probabilities![at]!);
      const losses = Float64Array.from({ length: rows }, (_, row) => of(row, loss) / labels.length);
      metrics.set("rocAuc", rocAucOf(targets, probabilities!, labels.length)).set("logLoss", meanOf(losses));
    }
    return { scores, metrics };
  });
}

/** -ln p, clipped as in `LogLoss`. */
function lossOf(probability: number): number {
  return -Math.log(Math.min(Math.max(probability, Number.EPSILON), 1 - Number.EPSILON));
}

/** Number of rows of a table. */
export function rowsOf(table: AnswerTable): number {
  if (table.kind === "score") return decisive(table.subjects[0]!.scores).length;
  return table.kind === "label" ? table.targets.length : table.targets.length / table.labels.length;
}

/** Whether two subjects give the same answer to a row. */
export function sameAnswer(table: AnswerTable, a: number, b: number, row: number): boolean {
  if (table.kind === "score") {
    return decisive(table.subjects[a]!.scores)[row] === decisive(table.subjects[b]!.scores)[row];
  }
  if (table.kind === "label") return table.subjects[a]!.answers[row] === table.subjects[b]!.answers[row];
  const width = table.labels.length;
  const [first, second] = [table.subjects[a]!.answers, table.subjects[b]!.answers];
  for (let at = row * width; at < (row + 1) * width; at++) if (first[at] !== second[at]) return false;
  return true;
}

/** Labels that a row is scored for. */
export function widthOf(table: AnswerTable): number {
  return table.kind === "score" ? 1 : table.labels.length;
}
