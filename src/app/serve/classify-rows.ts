/** Rows in, labels out, as `fettle predict` gives them to the same rows. */
import type { JsonObject } from "../../model/files/json-file.ts";
import { engineScorers } from "../../tune/score/engine-scorers.ts";
import { labelNames, predictRows } from "../../tune/score/predict-rows.ts";
import { type AnsweredRow, answeredRow } from "../api/answered-row.ts";
import { decisionFor, rowsOfTexts, setOfRows } from "../api/scoring-set.ts";
import { RowProblems } from "./row-problems.ts";
import type { ServedModel } from "./served-model.ts";

/** A row that could not be labelled. */
export interface RefusedRow {
  readonly index: number;
  readonly error: { readonly message: string; readonly code: "row_skipped" };
}

export interface LabelledRow extends Omit<AnsweredRow, "row" | "where"> {
  readonly index: number;
  /** What was changed in the row before it was labelled, such as a document cut to fit. */
  readonly warning?: string;
}

/**
 * @param input texts, or rows: their fields by name
 * @returns one for each text or row, in their order
 * @throws UserError when labels are not known, or no row can be used
 */
export async function classifyRows(
  model: ServedModel,
  input: readonly string[] | readonly JsonObject[],
  signal: AbortSignal,
): Promise<readonly (LabelledRow | RefusedRow)[]> {
  const { facts, reading, engine, adapter, weights, labelEncoder } = model;
  const asked = { artefact: facts, reading };
  const problems = new RowProblems();
  const texts = typeof input[0] === "string";
  const rows = texts ? rowsOfTexts(asked, input as readonly string[]) : (input as readonly JsonObject[]);
  const set = setOfRows(asked, rows, { columns: texts ? {} : reading.data.columns, problems });
  const names = labelNames(set);
  const classifier = {
    model: weights,
    encoder: facts.encoder,
    encodeOptions: facts.encodeOptions,
    decision: decisionFor(asked, set),
    labelEncoder,
    scorers: engineScorers(engine, weights.classHead, { adapter, signal }),
  };
  const answers = new Map<string, AnsweredRow>();
  for await (const prediction of predictRows(classifier, set, problems)) {
    const answer = answeredRow(prediction, set, names);
    answers.set(answer.where, answer);
  }
  return rows.map((_, index) => {
    const where = `text:${index + 1}`;
    const problem = problems.of(where);
    const answer = answers.get(where);
    if (answer === undefined) {
      return { index, error: { message: problem?.reason ?? "it could not be labelled", code: "row_skipped" } };
    }
    const { row: _row, where: _where, ...said } = answer;
    return { index, ...said, ...(problem && { warning: problem.reason }) };
  });
}
