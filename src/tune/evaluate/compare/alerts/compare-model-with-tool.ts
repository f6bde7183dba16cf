import type { Clusters } from "../clusters.ts";
import { verdictOf } from "../compare-pair.ts";
import type { Estimate } from "../estimate.ts";
import type { ResampleOptions } from "../resample.ts";
import type { AlertMeasure, AlertPair, ClassDifference, PairDifference, TestedDifference } from "./alert-comparison.ts";
import { Figures } from "./alert-figures.ts";
import { partsOf } from "./alert-parts.ts";
import type { AlertModel, AlertTable, AlertTool } from "./alert-table.ts";
import { drawSums } from "./drawn-sums.ts";
import { matchPair } from "./match-pair.ts";

const MEASURES: readonly AlertMeasure[] = ["accuracy", "precision", "recall", "f1", "macroF1"];

export interface ModelWithTool {
  readonly model: AlertModel;
  readonly tool: AlertTool;
  /** The tool's place in the table. */
  readonly t: number;
}

/**
 * The differences of one model and one tool, on all labels, on those that the tool has rules for, and on each of these.
 * @param tests in the order of `listParts`
 */
export function compareModelWithTool(
  table: AlertTable,
  { model, tool, t }: ModelWithTool,
  tests: readonly Omit<TestedDifference, "verdict">[],
  clusters: Clusters,
  options: ResampleOptions,
): AlertPair {
  const { labels, targets } = table;
  const parts = partsOf(tool);
  const sums = drawSums(targets, labels.length, [model, tool], clusters, options);
  const figures = (of: readonly number[]) => [new Figures(sums, 0, of), new Figures(sums, 1, of)] as const;
  const remaining = tests.values();
  const judge = (difference: Estimate): TestedDifference => {
    const test = remaining.next().value!;
    return { ...test, verdict: VERDICTS[verdictOf(test.adjusted, difference)] };
  };
  const difference = (of: readonly number[]): PairDifference => {
    const [own, other] = figures(of);
    const differences = Object.fromEntries(MEASURES.map((name) => [name, own.above(other, name)]));
    return {
      model: own.overall(),
      differences: differences as PairDifference["differences"],
      ...judge(differences.accuracy!),
    };
  };
  const ofClass = ([label]: readonly [number]): ClassDifference => {
    const [own, other] = figures([label]);
    const accuracy = own.above(other, "accuracy");
    const right = (answers: Uint8Array, row: number): boolean => {
      const at = row * labels.length + label;
      return answers[at] === targets[at];
    };
    const rows = Array.from({ length: clusters.rows }, (_, row) => row);
    const only = (a: Uint8Array, b: Uint8Array): number => rows.filter((row) => right(a, row) && !right(b, row)).length;
    return {
      label: labels[label]!,
      difference: accuracy,
      onlyModel: only(model.answers, tool.answers),
      onlyTool: only(tool.answers, model.answers),
      ...judge(accuracy),
    };
  };
  const validation = model.validation && { ...model.validation, tool: model.validation.tools[t]! };
  const { probabilities } = model;
  const match = (respect: "precision" | "alerts") =>
    probabilities === undefined
      ? null
      : matchPair(respect, table, { ...model, probabilities, validation }, tool, clusters, options);
  return {
    model: model.name,
    tool: tool.name,
    overall: difference(parts.all),
    covered: parts.covered ? difference(parts.covered) : null,
    perClass: parts.single.map(ofClass),
    atPrecision: match("precision"),
    atAlerts: match("alerts"),
  };
}

/** B is the model. */
const VERDICTS = { a: "tool", b: "model", undecided: "undecided" } as const;
