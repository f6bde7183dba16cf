/** Rows of a set in, predictions out, by whatever answers. */
import { UserError } from "../../base/errors.ts";
import type { Model } from "../../model/families/model.ts";
import type { ConversationEncoder } from "../data/conversation-encoder.ts";
import type { Dataset } from "../data/dataset.ts";
import { type EncodeOptions, encodeRow } from "../data/encode-row.ts";
import type { Problems } from "../data/problems.ts";
import { YES } from "../data/questions.ts";
import { ClassScorer } from "./class-scorer.ts";
import { type Decision, decide, probabilitiesOf } from "./decision.ts";
import type { LabelEncoder } from "./label-encoder.ts";
import { labelRows } from "./label-rows.ts";
import { LabelScorer } from "./label-scorer.ts";
import { predictLabels } from "./predict-labels.ts";
import type { AskedRow, Prediction } from "./prediction.ts";

export interface Classifier {
  readonly model: Pick<Model, "decoder" | "classHead">;
  /** One that marks the assistant's answers alone. */
  readonly encoder: ConversationEncoder;
  readonly encodeOptions: EncodeOptions;
  readonly decision: Decision;
  /** Tokens computed at once. */
  readonly maxTokens?: number | undefined;
  /** What computes, where that is not for these rows alone. */
  readonly scorers?: Scorers | undefined;
  /** That has seen rows of the classifier. */
  readonly labelEncoder?: LabelEncoder | undefined;
}

/** Scores of streams of rows, by the model's own words or by its class head. */
export interface Scorers {
  readonly labels: Pick<LabelScorer, "stream">;
  readonly classes: Pick<ClassScorer, "stream">;
}

/**
 * In order; memory does not grow with the number of rows.
 * @param problems what becomes of rows that are too long
 * @throws UserError when the set has no labels, or a row is too long and that is refused
 */
export function predictRows(classifier: Classifier, dataset: Dataset, problems: Problems): AsyncGenerator<Prediction> {
  const { model, encoder, encodeOptions, maxTokens, scorers, labelEncoder } = classifier;
  if (model.classHead !== undefined) return predictClasses(classifier, dataset, problems);
  const scorer = scorers?.labels ?? new LabelScorer(model.decoder, { maxTokens });
  const rows = labelRows(dataset, encoder, encodeOptions, problems);
  if (dataset.asked === undefined) {
    return predictLabels(scorer, encoder.tokenizer, rows, classifier.decision, labelEncoder);
  }
  return gathered(
    predictLabels(scorer, encoder.tokenizer, rows, undefined, labelEncoder),
    dataset,
    classifier.decision,
  );
}

/** Names of the labels that predictions are about. */
export function labelNames({ asked, labels, name }: Dataset): readonly string[] {
  const names = (asked ?? labels)?.names;
  if (names !== undefined) return names;
  throw new UserError({
    code: "score/no-labels",
    message: `the ${name} set has no labels to choose from`,
    fix: "name the label's field in data.columns, or list the labels in data.labels",
  });
}

interface HeadRow extends AskedRow {
  readonly ids: Int32Array;
}

async function* predictClasses(
  { model, encoder, encodeOptions, decision, maxTokens, scorers }: Classifier,
  dataset: Dataset,
  problems: Problems,
): AsyncGenerator<Prediction> {
  const scorer = scorers?.classes ?? new ClassScorer(model.decoder, model.classHead!, { maxTokens });
  const rows = function* (): Generator<HeadRow> {
    for (let index = 0; index < dataset.length; index++) {
      const encoded = encodeRow(dataset, index, encoder, encodeOptions, problems);
      if (encoded === undefined) continue;
      const { label: target, labels: targets } = dataset.row(index);
      yield { index, target, targets, text: textOf(dataset, index), ids: encoded.ids };
    }
  };
  for await (const [row, logits] of scorer.stream(rows(), ({ ids }) => ids)) {
    const probabilities = probabilitiesOf(logits, decision);
    yield { row, logits, probabilities, outside: 0, ...decide(probabilities, decision) };
  }
}

function textOf(dataset: Dataset, index: number): string {
  const example = dataset.example(index);
  if (example.kind === "text") return example.text;
  return example.messages.findLast(({ role }) => role === "user")?.content ?? "";
}

/** The questions about each row as one prediction; rows with a question that could not be asked are left out. */
async function* gathered(
  questions: AsyncIterable<Prediction>,
  dataset: Dataset,
  decision: Decision,
): AsyncGenerator<Prediction> {
  const { together } = dataset;
  let open: Prediction[] = [];
  for await (const question of questions) {
    const index = Math.floor(question.row.index / together);
    if (open.length > 0 && Math.floor(open[0]!.row.index / together) !== index) open = [];
    open.push(question);
    if (open.length < together) continue;
    const logits = Float64Array.from(open, (own) => own.logits[YES]! - own.logits[1 - YES]!);
    const probabilities =
      decision.temperature === 1
        ? Float64Array.from(open, (own) => own.probabilities[YES]!)
        : probabilitiesOf(logits, decision);
    const known = open.every(({ row }) => row.target !== undefined);
    const targets = open.flatMap(({ row }, label) => (row.target === YES ? [label] : []));
    yield {
      row: {
        index,
        target: undefined,
        targets: known ? targets : undefined,
        text: longestValue(dataset.row(open[0]!.row.index).values) ?? open[0]!.row.text,
      },
      logits,
      probabilities,
      outside: open.reduce((sum, { outside }) => sum + outside, 0) / together,
      ...decide(probabilities, decision),
    };
    open = [];
  }
}

/** What is asked about, without the question. */
function longestValue(values: Readonly<Record<string, string>>): string | undefined {
  return Object.values(values).toSorted((a, b) => b.length - a.length)[0];
}
