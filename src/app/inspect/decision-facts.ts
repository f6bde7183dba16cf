/** How a classifier's probabilities become labels, as `classifier.json` beside its weights says it. */
import { type ChosenOn, readClassifier } from "../../tune/train/classifier-file.ts";

export interface ClassifierFacts {
  /** In the order of the head's outputs. */
  readonly labels: readonly string[] | null;
  readonly decision: DecisionFacts | null;
}

export interface DecisionFacts {
  /** Logits, or log-probabilities of answers, are divided by it; 1: by nothing. */
  readonly temperature: number;
  /** Of two labels, where one is named. */
  readonly positiveLabel: string | null;
  /** Least probability of each label, with several a row, or of the positive one of two. */
  readonly thresholds: Readonly<Record<string, number>> | null;
  /** True label -> label given -> what that costs. */
  readonly costs: Readonly<Record<string, Readonly<Record<string, number>>>> | null;
  /** Which label is given. */
  readonly rule: string;
  /** Null where nothing was chosen. */
  readonly chosenOn: ChosenOn | null;
}

/** @param folder of an adapter or model @throws UserError when the file is damaged */
export function classifierFacts(folder: string): ClassifierFacts {
  const file = readClassifier(folder);
  if (file === undefined) return { labels: null, decision: null };
  const { labels, temperature, positive_label: positive, thresholds, costs, chosen_on: chosenOn } = file;
  const ofEach = (row: readonly number[]): Record<string, number> =>
    Object.fromEntries(row.map((cost, given) => [labels[given]!, cost]));
  return {
    labels,
    decision: {
      temperature: temperature ?? 1,
      positiveLabel: positive ?? null,
      thresholds,
      costs: costs ? Object.fromEntries(costs.map((row, truth) => [labels[truth]!, ofEach(row)])) : null,
      rule: ruleOf(file),
      chosenOn: chosenOn ?? null,
    },
  };
}

function ruleOf({ problem_type, thresholds, costs }: NonNullable<ReturnType<typeof readClassifier>>): string {
  if (problem_type === "multi_label_classification") return "every label from its threshold on";
  if (costs) return "the label with the least expected cost";
  return thresholds === null ? "the most probable label" : "the positive label from its threshold on";
}
