/** How sure a classifier is of some labels of texts, whoever answers: a class head, or the model in its own words. */
import type { Dataset } from "../../data/dataset.ts";
import { Problems } from "../../data/problems.ts";
import { YES } from "../../data/questions.ts";
import type { Decision } from "../decision.ts";
import { labelRows } from "../label-rows.ts";
import { LabelScorer } from "../label-scorer.ts";
import { predictLabels } from "../predict-labels.ts";
import { type Classifier, predictRows } from "../predict-rows.ts";

export interface AskedText {
  readonly text: string;
  /** Indices of the labels asked about. */
  readonly labels: readonly number[];
}

export interface LabelOdds {
  /** [labels asked about] log of the probability of each over that of its absence, calibrated. */
  readonly odds: readonly number[];
  /** [labels asked about] whether it would be given. */
  readonly given: readonly boolean[];
}

/** In the order asked; undefined for a text that cannot be scored, such as one without tokens. */
export type ScoreTexts = (asked: readonly AskedText[]) => Promise<readonly (LabelOdds | undefined)[]>;

/**
 * Texts with a common beginning belong side by side: it is computed once.
 * @param rowsOf the texts as rows to be scored, each with its place among them, from 1, as its line
 */
export function textScorer(classifier: Classifier, rowsOf: (texts: readonly string[]) => Dataset): ScoreTexts {
  return async (asked) => {
    const scores = new Array<LabelOdds | undefined>(asked.length).fill(undefined);
    if (asked.every(({ text }) => text.trim() === "")) return scores;
    const dataset = rowsOf(asked.map(({ text }) => text));
    if (dataset.asked === undefined) await scoreRows(classifier, dataset, asked, scores);
    else await scoreQuestions(classifier, dataset, asked, scores);
    return scores;
  };
}

/** Whether beginnings that texts have in common are computed once: what an encoder makes of them depends on what follows. */
export function sharesBeginnings({ model: { classHead } }: Classifier): boolean {
  return classHead === undefined || classHead.parts.pooling === "last";
}

async function scoreRows(
  classifier: Classifier,
  dataset: Dataset,
  asked: readonly AskedText[],
  scores: (LabelOdds | undefined)[],
): Promise<void> {
  const { decision } = classifier;
  for await (const { row, logits, predicted, chosen } of predictRows(classifier, dataset, new Problems())) {
    const text = dataset.row(row.index).line - 1;
    const { labels } = asked[text]!;
    scores[text] = {
      odds: labels.map((label) => logOdds(logits, label, decision)),
      given: labels.map((label) => chosen?.includes(label) ?? predicted === label),
    };
  }
}

/** Each label is a question of its own: only those asked about are put. */
async function scoreQuestions(
  { model, encoder, encodeOptions, decision, maxTokens }: Classifier,
  dataset: Dataset,
  asked: readonly AskedText[],
  scores: (LabelOdds | undefined)[],
): Promise<void> {
  const { together } = dataset;
  const places: (readonly [text: number, place: number, label: number])[] = [];
  const indices: number[] = [];
  for (let row = 0; row < dataset.length / together; row++) {
    const text = dataset.row(row * together).line - 1;
    for (const [place, label] of asked[text]!.labels.entries()) {
      places.push([text, place, label]);
      indices.push(row * together + label);
    }
  }
  const questions = dataset.subset(dataset.name, indices, "piece");
  const rows = labelRows(questions, encoder, encodeOptions, new Problems());
  const scorer = new LabelScorer(model.decoder, { maxTokens });
  const found = asked.map(({ labels }) => ({ odds: new Array<number>(labels.length), given: labels.map(() => false) }));
  const answers = asked.map(() => 0);
  for await (const { row, logits } of predictLabels(scorer, encoder.tokenizer, rows)) {
    const [text, place, label] = places[row.index]!;
    const odds = (logits[YES]! - logits[1 - YES]!) / decision.temperature;
    found[text]!.odds[place] = odds;
    found[text]!.given[place] = 1 / (1 + Math.exp(-odds)) >= decision.thresholds[label]!;
    answers[text]!++;
  }
  for (const [text, { labels }] of asked.entries()) if (answers[text] === labels.length) scores[text] = found[text];
}

function logOdds(logits: ArrayLike<number>, label: number, { multiLabel, temperature }: Decision): number {
  const scaled = Float64Array.from(logits, (logit) => logit / temperature);
  if (multiLabel) return scaled[label]!;
  const others = scaled.filter((_, other) => other !== label);
  const largest = others.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  const rest = others.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
  return scaled[label]! - largest - Math.log(rest);
}
