import type { DataOptions } from "../../../base/recipe/recipe.ts";
import type { LabelledTask } from "./labelled-task.ts";

/** What a person says in one control. */
export interface GivenAnswer {
  readonly annotator: string;
  readonly labels: readonly string[];
  readonly groundTruth: boolean;
}

/** Why a task has no label. */
export const noAnnotation = "nobody labelled the task";
export const allCancelled = "everybody skipped the task";
export const nothingChosen = "nothing was chosen";
export const divided = "annotators are divided";

/** What people answered, at least one of them, or why there is nothing. */
export function answersTo({ annotations }: LabelledTask, control: string): readonly GivenAnswer[] | string {
  if (annotations.length === 0) return noAnnotation;
  const made = annotations.filter(({ cancelled }) => !cancelled);
  if (made.length === 0) return allCancelled;
  const given = made.flatMap(({ annotator, groundTruth, answers }) => {
    const labels = answers.get(control)?.labels;
    return labels === undefined ? [] : [{ annotator, labels, groundTruth }];
  });
  return given.length === 0 ? nothingChosen : given;
}

/** The answers that count: those marked as ground truth, where some are, otherwise all. */
export function countedAnswers(given: readonly GivenAnswer[]): readonly GivenAnswer[] {
  const truth = given.filter(({ groundTruth }) => groundTruth);
  return truth.length === 0 ? given : truth;
}

/** Whether all say the same. */
export function isUnanimous(answers: readonly GivenAnswer[]): boolean {
  return answers.every(({ labels }) => sameLabels(labels, answers[0]!.labels));
}

/**
 * The labels of a task. By majority: of single labels the most frequent; of several those that more than half chose.
 * @returns undefined for a tie: several most frequent labels, or one that exactly half chose
 */
export function decide(
  answers: readonly GivenAnswer[],
  policy: DataOptions["annotators"],
  several: boolean,
): readonly string[] | undefined {
  if (policy !== "majority" || isUnanimous(answers)) return answers[0]!.labels;
  const votes = new Map<string, number>();
  for (const { labels } of answers) for (const label of labels) votes.set(label, (votes.get(label) ?? 0) + 1);
  if (several) {
    if ([...votes.values()].some((count) => 2 * count === answers.length)) return undefined;
    const chosen = [...votes].filter(([, count]) => 2 * count > answers.length).map(([label]) => label);
    return chosen.length === 0 ? undefined : chosen.sort();
  }
  const most = Math.max(...votes.values());
  const leading = [...votes].filter(([, count]) => count === most);
  return leading.length === 1 ? [leading[0]![0]] : undefined;
}

function sameLabels(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((label, i) => label === b[i]);
}
