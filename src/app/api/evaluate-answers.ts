import type { EventSink } from "../../base/events.ts";
import type { Dataset } from "../../tune/data/dataset.ts";
import { type ProblemGroup, Problems } from "../../tune/data/problems.ts";
import { type TextEvaluation, TextEvaluator, type WrittenRow } from "../../tune/evaluate/text/text-evaluator.ts";
import { stopTokens } from "../../tune/score/stop-tokens.ts";
import { writeAnswers } from "../../tune/score/write-answers.ts";
import type { LoadedModel } from "./load-model.ts";
import { loadScoringSet } from "./scoring-set.ts";

export interface EvaluateAnswersOptions {
  /** Files whose rows have an answer in words. */
  readonly data: readonly string[];
  /** At most this many rows. */
  readonly limit?: number | undefined;
  /** Most tokens of an answer; default 256. */
  readonly maxNewTokens?: number | undefined;
  /** How many of the worst rows are kept; default 20. */
  readonly worst?: number | undefined;
  /** Told what the model writes to each row, in their order. */
  readonly onAnswer?: ((row: WrittenRow & { readonly row: number }) => void) | undefined;
  readonly onEvent?: EventSink | undefined;
}

export interface AnswersResult extends TextEvaluation {
  /** Rows that could not be asked. */
  readonly skipped: number;
  /** What was wrong with rows, skipped or not. */
  readonly problems: readonly ProblemGroup[];
}

/**
 * Lets the model answer every row, greedily, and compares what it writes with the answer that the row has.
 * @throws UserError when no row has an answer
 */
export async function evaluateAnswers(model: LoadedModel, options: EvaluateAnswersOptions): Promise<AnswersResult> {
  const { data, limit, onEvent = () => {} } = options;
  const dataset = await loadScoringSet(model, data, { limit, answerOptional: false }, onEvent);
  return evaluateAnswerSet(model, dataset, options);
}

/** The same of rows that are read already. */
export async function evaluateAnswerSet(
  { artefact }: LoadedModel,
  dataset: Dataset,
  { maxNewTokens = 256, worst, onAnswer, onEvent = () => {} }: Omit<EvaluateAnswersOptions, "data">,
): Promise<AnswersResult> {
  const { model, encoder, encodeOptions, tokenizer, template } = artefact;
  const writer = {
    decoder: model.decoder,
    encoder,
    encodeOptions,
    stopTokens: stopTokens(model.folder, tokenizer, template),
    maxNewTokens,
  };
  const problems = new Problems();
  const evaluator = new TextEvaluator({ worst });
  const start = performance.now();
  let done = 0;
  for await (const { index, ...written } of writeAnswers(writer, dataset, problems)) {
    const row = { where: dataset.where(index), ...written };
    evaluator.add(row);
    onAnswer?.({ row: index + 1, ...row });
    const rate = (1000 * ++done) / (performance.now() - start);
    const figures = { "examples/s": rate.toFixed(rate < 10 ? 1 : 0) };
    onEvent({ kind: "progress", task: "answer", done, total: dataset.length, unit: "examples", figures });
  }
  for (const line of problems.lines()) onEvent({ kind: "note", level: "warning", message: line });
  const evaluation = evaluator.finish();
  if (evaluation.unfinished > 0) {
    const message = `${evaluation.unfinished} of ${evaluation.rows} answers were cut off at ${maxNewTokens} tokens`;
    onEvent({ kind: "note", level: "warning", message });
  }
  return {
    ...evaluation,
    skipped: dataset.skipped + problems.skipped,
    problems: [...dataset.problems, ...problems.groups()],
  };
}
