/** Probabilities of every label for texts of any length, by the way that predictions go. */
import { UserError } from "../../base/errors.ts";
import type { Dataset } from "../../tune/data/dataset.ts";
import { encodeRow } from "../../tune/data/encode-row.ts";
import { Problems } from "../../tune/data/problems.ts";
import { halvesOf, lineStarts, type TextWindow, windowsOf } from "../../tune/data/windows.ts";
import { labelRows } from "../../tune/score/label-rows.ts";
import { type Classifier, predictRows } from "../../tune/score/predict-rows.ts";
import { type ScoreTexts, sharesBeginnings, textScorer } from "../../tune/score/regions/label-odds.ts";
import type { LoadedModel } from "../api/load-model.ts";
import { classifierOf, scoringSetOf } from "../api/scoring-set.ts";
import type { Region } from "./scan-result.ts";

/** What the model says about some lines of a text. */
export interface ScoredWindow {
  /** From 1, in the text. */
  readonly startLine: number;
  /** Included. */
  readonly endLine: number;
  /** [labels] */
  readonly probabilities: readonly number[];
  /** By label's index, for those that were found: lines of the text. */
  readonly regions?: Readonly<Record<number, Region>> | undefined;
}

/** The windows of a text; or why it has no scores. */
export type ScoredText = readonly ScoredWindow[] | string;

/** Tokens at the seams of template and text may join differently than counted. */
const SLACK = 8;
const LEAST_WINDOW = 16;
/** Windows are nearly always right at once. */
const MOST_HALVINGS = 4;

export class TextScorer {
  readonly #model: LoadedModel;
  readonly #labels: readonly string[];
  readonly #frame: string;
  readonly #classifier: Classifier;
  #windowTokens: number | undefined;

  /**
   * @param labels in the order of the scores
   * @param frame what stands in place of a row's text, with `{text}` for the text to score
   */
  constructor(model: LoadedModel, labels: readonly string[], frame: string) {
    this.#model = model;
    this.#labels = labels;
    this.#frame = frame;
    this.#classifier = classifierOf(model, this.#datasetOf(["x"]));
  }

  /** Whether beginnings of texts are computed once. */
  get sharesBeginnings(): boolean {
    return sharesBeginnings(this.#classifier);
  }

  /** Log-odds of some labels of texts that are no longer than those that were scored. */
  get odds(): ScoreTexts {
    return textScorer(this.#classifier, (texts) => this.#datasetOf(texts));
  }

  /**
   * In the order of the texts, none of which is blank. One that the model's `max_length` is too short for is scored window
   * by window.
   * @throws UserError when the template leaves no room for any text
   */
  async score(texts: readonly string[]): Promise<ScoredText[]> {
    const { found, problems } = await this.#ask(texts);
    const scored: ScoredText[] = [];
    for (const [i, text] of texts.entries()) {
      const probabilities = found[i];
      if (probabilities === undefined) scored.push(await this.#inWindows(text, problems));
      else scored.push([{ startLine: 1, endLine: lineStarts(text).length - 1, probabilities }]);
    }
    return scored;
  }

  async #inWindows(text: string, first: Problems): Promise<ScoredText> {
    const { tokenizer } = this.#model.artefact;
    let waiting: TextWindow[] = windowsOf(text, tokenizer, this.#tokensOfWindow());
    const scored: ScoredWindow[] = [];
    let problems = first;
    for (let halvings = 0; halvings <= MOST_HALVINGS && waiting.length > 0; halvings++) {
      const spoken = waiting.filter((window) => window.text.trim() !== "");
      const answer = await this.#ask(spoken.map((window) => window.text));
      problems = answer.problems;
      waiting = [];
      for (const [i, window] of spoken.entries()) {
        const probabilities = answer.found[i];
        const { startLine, endLine } = window;
        if (probabilities !== undefined) scored.push({ startLine, endLine, probabilities });
        else waiting.push(...(halvesOf(window) ?? [window]));
      }
    }
    if (waiting.length > 0) return problems.lines().join("; ");
    return scored.sort((a, b) => a.startLine - b.startLine);
  }

  /** Probabilities of each text, undefined where it is too long or refused by the chat template. */
  async #ask(texts: readonly string[]): Promise<{ found: (readonly number[] | undefined)[]; problems: Problems }> {
    const problems = new Problems();
    const found = new Array<readonly number[] | undefined>(texts.length);
    if (texts.length === 0) return { found, problems };
    const dataset = this.#datasetOf(texts);
    const encodeOptions = { ...this.#classifier.encodeOptions, tooLong: "skip" as const };
    for await (const { row, probabilities } of predictRows({ ...this.#classifier, encodeOptions }, dataset, problems)) {
      found[dataset.row(row.index * dataset.together).line - 1] = [...probabilities];
    }
    return { found, problems };
  }

  /** What `max_length` leaves for a text. */
  #tokensOfWindow(): number {
    if (this.#windowTokens !== undefined) return this.#windowTokens;
    const { encodeOptions } = this.#model.artefact;
    const tokens = encodeOptions.maxLength - this.#tokensAround() - SLACK;
    if (tokens < LEAST_WINDOW) {
      throw new UserError({
        code: "scan/no-room",
        message: `the template leaves ${Math.max(0, tokens)} of ${encodeOptions.maxLength} tokens for the text`,
        where: "template.max_length",
        fix: "train with a larger template.max_length, or a shorter template",
      });
    }
    this.#windowTokens = tokens;
    return tokens;
  }

  /** Tokens that the template and the longest answer take. */
  #tokensAround(): number {
    const { encoder, model, encodeOptions } = this.#model.artefact;
    const dataset = this.#datasetOf(["x"]);
    const whole = { ...encodeOptions, maxLength: Number.MAX_SAFE_INTEGER };
    if (model.classHead) return encodeRow(dataset, 0, encoder, whole, new Problems())?.ids.length ?? 0;
    const rows = [...labelRows(dataset, encoder, whole, new Problems())];
    return Math.max(0, ...rows.flatMap(({ answers, encode }) => answers.map((answer) => encode(answer).ids.length)));
  }

  #datasetOf(texts: readonly string[]): Dataset {
    const framed = texts.map((text) => this.#frame.replace("{text}", () => text));
    return scoringSetOf(this.#model, framed, this.#labels);
  }
}
