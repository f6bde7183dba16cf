/** One name that requests may ask for: a model, a run, or an adapter on the base that others share. */

import type { Model } from "../../model/families/model.ts";
import type { JsonObject } from "../../model/files/json-file.ts";
import type { Message } from "../../model/text/chat-template.ts";
import type { BatchEngine } from "../../tune/score/batch-engine.ts";
import { LabelEncoder } from "../../tune/score/label-encoder.ts";
import { stopTokens } from "../../tune/score/stop-tokens.ts";
import type { ArtefactFacts } from "../../tune/train/artefact-facts.ts";
import type { Reading } from "../api/load-model.ts";
import { ApiError } from "./http/api-error.ts";

export interface ServedModelParts {
  readonly id: string;
  readonly engine: BatchEngine;
  readonly weights: Pick<Model, "decoder" | "classHead">;
  /** Under which the engine knows it; undefined: what the engine was made with. */
  readonly adapter: string | undefined;
  readonly facts: ArtefactFacts;
  readonly reading: Reading;
  /** Of config.json and the tokenizer. */
  readonly modelFolder: string;
  /** Name of the base that it is an adapter of. */
  readonly parent: string | null;
}

export class ServedModel {
  readonly id: string;
  readonly engine: BatchEngine;
  readonly weights: ServedModelParts["weights"];
  readonly adapter: string | undefined;
  readonly facts: ArtefactFacts;
  readonly reading: Reading;
  /** Tokens of prompt and answer together. */
  readonly context: number;
  readonly parent: string | null;
  /** Seconds since 1970. */
  readonly created: number = Math.floor(Date.now() / 1000);
  /** Remembers how answers end in the tokens of its rows. */
  readonly labelEncoder: LabelEncoder;
  /** Tokens that end an answer. */
  readonly stopTokens: ReadonlySet<number>;

  constructor({ id, engine, weights, adapter, facts, reading, modelFolder, parent }: ServedModelParts) {
    this.id = id;
    this.engine = engine;
    this.weights = weights;
    this.adapter = adapter;
    this.facts = facts;
    this.reading = reading;
    this.context = weights.decoder.config.maxPositions;
    this.parent = parent;
    this.labelEncoder = new LabelEncoder(facts.tokenizer);
    this.stopTokens = stopTokens(modelFolder, facts.tokenizer, facts.template);
  }

  /** Whether it has a head that answers in place of words. */
  get isClassifier(): boolean {
    return this.facts.answers.head !== undefined;
  }

  /**
   * Tokens of a conversation up to where the answer begins, as `fettle generate` has them: without a system message the one
   * of the training is put in front.
   * @throws ApiError for a model without a chat template; UserError when the template refuses the conversation
   */
  chatPrompt(messages: readonly Message[]): Int32Array {
    const { template, templateOptions, tokenizer } = this.facts;
    if (template === undefined) {
      throw new ApiError({
        status: 400,
        message: `the model "${this.id}" has no chat template: use /v1/completions`,
        param: "model",
        code: "no_chat_template",
      });
    }
    const { system } = templateOptions;
    const whole =
      system === null || messages[0]?.role === "system" ? messages : [{ role: "system", content: system }, ...messages];
    const kwargs = templateOptions.chat_template_kwargs as JsonObject;
    this.refuseEndless(
      whole.reduce((sum, { content }) => sum + content.length, 0),
      "messages",
    );
    return tokenizer.encode(template.render(whole, { addGenerationPrompt: true, kwargs })).ids;
  }

  /**
   * Texts so long that they cannot fit are not worth tokenising to know it.
   * @param param the field that they are in
   * @throws ApiError for more characters than the longest tokens of a whole context have
   */
  refuseEndless(characters: number, param: string): void {
    if (characters <= this.context * this.facts.encoder.longestToken) return;
    throw new ApiError({
      status: 400,
      message: `the model's context is ${this.context} tokens; ${characters} characters are more`,
      param,
      code: "context_length_exceeded",
    });
  }

  /** @throws ApiError for a classifier with a head of its own */
  requireWords(): void {
    if (!this.isClassifier) return;
    throw new ApiError({
      status: 400,
      message: `the model "${this.id}" is a classifier with a head of its own and says no words: use /v1/classify`,
      param: "model",
      code: "model_is_classifier",
    });
  }
}
