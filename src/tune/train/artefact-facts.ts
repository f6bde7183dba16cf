/** What is known of a run, an adapter or a model without its weights in memory. */
import { basename, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { Recipe, TemplateOptions } from "../../base/recipe/recipe.ts";
import { familyOf } from "../../model/families/index.ts";
import { readConfigJson } from "../../model/files/config.ts";
import { modelNameOf } from "../../model/files/hub/snapshot.ts";
import type { JsonObject } from "../../model/files/json-file.ts";
import { type ChatTemplate, loadChatTemplateIfAny } from "../../model/text/chat-template.ts";
import { loadTokenizer, type Tokenizer } from "../../model/text/tokenizer.ts";
import { ConversationEncoder } from "../data/conversation-encoder.ts";
import type { EncodeOptions } from "../data/encode-row.ts";
import { type Answers, answersOf, templateOf } from "./answers.ts";
import { type ArtefactParts, findParts } from "./artefact-parts.ts";

export interface ArtefactFactsOptions {
  /** Folder of the base model, in place of what the run or adapter names. */
  readonly base?: string | undefined;
  /** How rows become conversations, in place of what the run was trained with or the recipe's defaults. */
  readonly template?: TemplateOptions | undefined;
  /** Takes a chat template that is not the one of the training; default: it is refused. */
  readonly anyTemplate?: boolean | undefined;
  /** Of the base model, where it is in memory already. */
  readonly tokenizer?: Tokenizer | undefined;
}

export interface ArtefactFacts {
  readonly kind: "run" | "adapter" | "model";
  readonly path: string;
  /** One line for people. */
  readonly description: string;
  readonly tokenizer: Tokenizer;
  /** Undefined for a model without one. */
  readonly template: ChatTemplate | undefined;
  readonly templateOptions: TemplateOptions;
  /** Renders and tokenises as in training; marks the assistant's answers. */
  readonly encoder: ConversationEncoder;
  /** What happens to rows that are too long, for `labelRows`. */
  readonly encodeOptions: EncodeOptions;
  /** Who answers, and how. */
  readonly answers: Answers;
  /** Of the classifier; undefined where they are not known. */
  readonly labels: readonly string[] | undefined;
  /** Of the run. */
  readonly columns: Recipe["data"]["columns"];
}

/**
 * Reads all but the weights of a run folder, a PEFT adapter folder, or the folder of a model.
 * @throws UserError when it is none of these, its base is not there, something in it is damaged, or the chat template
 *   is not the one that the run was trained with.
 */
export function readArtefactFacts(path: string, options: ArtefactFactsOptions = {}): ArtefactFacts {
  return factsOf(path, findParts(path, options.base), options);
}

/** @param parts where they were found to be */
export function factsOf(path: string, parts: ArtefactParts, options: ArtefactFactsOptions): ArtefactFacts {
  const { kind, modelFolder, adapterFolder, run } = parts;
  const tokenizer = options.tokenizer ?? loadTokenizer(modelFolder);
  const template = loadChatTemplateIfAny(modelFolder);
  const answers = answersOf({ modelFolder, adapterFolder });
  const hash = run ? run.templateHash : answers.file?.template_sha256;
  if (hash !== undefined && options.anyTemplate !== true) refuseOtherTemplate(hash, template, modelFolder);
  const config = readConfigJson(modelFolder);
  const { maxPositions } = familyOf(config).readConfig(config);
  const templateOptions = options.template ?? run?.template ?? templateOf(answers, modelFolder);
  const { max_length: maxLength, too_long: tooLong, cut_field: cutField } = templateOptions;
  const kwargs = templateOptions.chat_template_kwargs as JsonObject;
  return {
    kind,
    path,
    description: describe(path, parts),
    tokenizer,
    template,
    templateOptions,
    encoder: new ConversationEncoder(template, tokenizer, { kwargs, lossOn: "assistant" }),
    encodeOptions: {
      maxLength: maxLength === "auto" ? maxPositions : Math.min(maxLength, maxPositions),
      tooLong,
      cutField,
    },
    answers,
    labels: answers.labels ?? run?.labels ?? undefined,
    columns: run?.columns ?? answers.file?.columns ?? {},
  };
}

/** A model answers well only to what it was trained on, down to the last space. */
function refuseOtherTemplate(templateHash: string | null, template: ChatTemplate | undefined, folder: string): void {
  if (templateHash === (template?.hash ?? null)) return;
  throw new UserError({
    code: "artefact/template-changed",
    message: "the chat template is not the one that the run was trained with",
    where: template?.where ?? folder,
    fix: "put the old template back, or train again with the new one",
  });
}

function describe(path: string, { kind, modelFolder, run }: ArtefactParts): string {
  if (kind === "model") return `model ${modelNameOf(modelFolder)}`;
  const name = basename(resolve(path));
  if (run === undefined) return `adapter ${name} on ${modelNameOf(modelFolder)}`;
  return `run ${name}: ${run.method} on ${modelNameOf(run.base)}, ${run.steps} steps`;
}
