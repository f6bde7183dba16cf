import { type EvaluateOptions, type EvaluationResult, evaluateSet } from "./evaluate.ts";
import { type AnswersResult, type EvaluateAnswersOptions, evaluateAnswerSet } from "./evaluate-answers.ts";
import type { LoadedModel } from "./load-model.ts";
import { loadScoringSet } from "./scoring-set.ts";

/** Of rows with labels, or of rows with answers in words. */
export type AnyEvaluation =
  | { readonly of: "labels"; readonly labels: EvaluationResult }
  | { readonly of: "answers"; readonly answers: AnswersResult };

export type EvaluateAnyOptions = EvaluateOptions & Pick<EvaluateAnswersOptions, "maxNewTokens" | "onAnswer">;

/**
 * Scores labels where rows have them; otherwise lets the model write answers and compares them with those of the rows.
 * @throws UserError as `evaluate` and `evaluateAnswers`
 */
export async function evaluateAny(model: LoadedModel, options: EvaluateAnyOptions): Promise<AnyEvaluation> {
  const { onEvent = () => {} } = options;
  const dataset = await loadScoringSet(model, options.data, { ...options, answerOptional: false }, onEvent);
  const labelled = dataset.labels !== undefined || dataset.asked !== undefined;
  if (labelled || model.artefact.answers.head !== undefined) {
    return { of: "labels", labels: await evaluateSet(model, dataset, options) };
  }
  const reason = "rows have an answer and no label";
  onEvent({ kind: "choice", name: "evaluation", value: "answers are written and compared", reason });
  return { of: "answers", answers: await evaluateAnswerSet(model, dataset, options) };
}
