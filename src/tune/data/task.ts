import type { Recipe } from "../../base/recipe/recipe.ts";

/** What rows are read for. */
export interface DataTask {
  /** A class head answers: rows are texts or prompts with labels beside them, and no answer is written. */
  readonly classHead: boolean;
  /** Rows have a list of labels. */
  readonly multiLabel: boolean;
  /** Field that says what a row counts in the loss. */
  readonly sampleWeight: string | undefined;
  /** Fields that name a group of rows that belong together. */
  readonly groupFields?: readonly string[];
}

/** The model answers in its own words, with one label a row where there are labels. */
export const answering: DataTask = { classHead: false, multiLabel: false, sampleWeight: undefined };

export function taskOf({
  task_type,
  problem_type,
  loss,
}: Pick<Recipe, "task_type" | "problem_type" | "loss">): DataTask {
  return {
    classHead: task_type === "SEQ_CLS",
    multiLabel: problem_type === "multi_label_classification",
    sampleWeight: loss.sample_weight ?? undefined,
  };
}
