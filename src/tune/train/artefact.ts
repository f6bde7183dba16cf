/** What training made, or what it starts from, opened to score and generate: a run, an adapter, or a model folder. */
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { Recipe, TemplateOptions } from "../../base/recipe/recipe.ts";
import type { Device } from "../../engine/device/device.ts";
import { type Lora, loadLora } from "../../model/families/lora.ts";
import { type Model, openModel, requireWholeHead } from "../../model/families/model.ts";
import type { WeightFormat } from "../../model/families/parameters.ts";
import { readConfigJson } from "../../model/files/config.ts";
import { modelNameOf } from "../../model/files/hub/snapshot.ts";
import type { JsonObject } from "../../model/files/json-file.ts";
import { readQuantizationConfig } from "../../model/files/quantization-config.ts";
import { type ChatTemplate, loadChatTemplateIfAny } from "../../model/text/chat-template.ts";
import { loadTokenizer, type Tokenizer } from "../../model/text/tokenizer.ts";
import { ConversationEncoder } from "../data/conversation-encoder.ts";
import type { EncodeOptions } from "../data/encode-row.ts";
import { type Answers, answersOf, templateOf } from "./answers.ts";
import type { OpenModel } from "./method.ts";
import { isRunFolder, type RunInfo, readRunInfo } from "./run-folder.ts";

export interface ArtefactOptions {
  readonly device: Device;
  /** Folder of the base model, in place of what the run or adapter names. */
  readonly base?: string | undefined;
  /** How rows become conversations, in place of what the run was trained with or the recipe's defaults. */
  readonly template?: TemplateOptions | undefined;
  /** For a base that may be in memory already. */
  readonly open?: OpenModel | undefined;
}

/** A model ready to use, with all that its answers depend on. Disposing of it frees its memory. */
export interface Artefact extends Disposable {
  readonly kind: "run" | "adapter" | "model";
  readonly path: string;
  /** One line for people. */
  readonly description: string;
  readonly model: Model;
  readonly lora: Lora | undefined;
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
  /** What was found in the folder and left out. */
  readonly warnings: readonly string[];
}

/** Where the parts of an artefact are. */
export interface ArtefactParts {
  readonly kind: Artefact["kind"];
  /** Folder of config.json, tokenizer and template. */
  readonly modelFolder: string;
  readonly adapterFolder: string | undefined;
  readonly run: RunInfo | undefined;
}

/**
 * Opens a run folder, a PEFT adapter folder, or the folder of a model.
 * @throws UserError when it is none of these, its base is not there, something in it is damaged, or the chat template
 *   is not the one that the run was trained with.
 */
export function openArtefact(path: string, options: ArtefactOptions): Artefact {
  const { device, base, template: given, open = openModel } = options;
  const { kind, modelFolder, adapterFolder, run } = findParts(path, base);
  const tokenizer = loadTokenizer(modelFolder);
  const template = loadChatTemplateIfAny(modelFolder);
  const answers = answersOf({ modelFolder, adapterFolder });
  const hash = run ? run.templateHash : answers.file?.template_sha256;
  if (hash !== undefined) refuseOtherTemplate(hash, template, modelFolder);
  const classHead = answers.head && { config: answers.head, seed: undefined };
  const model = open(modelFolder, device, { format: weightFormat(run, modelFolder, device), classHead });
  try {
    if (adapterFolder === undefined) requireWholeHead(model);
    const loaded = adapterFolder === undefined ? undefined : loadLora(model, adapterFolder);
    const templateOptions = given ?? run?.template ?? templateOf(answers, modelFolder);
    const { maxPositions } = model.decoder.config;
    const { max_length: maxLength, too_long: tooLong, cut_field: cutField } = templateOptions;
    const kwargs = templateOptions.chat_template_kwargs as JsonObject;
    return {
      kind,
      path,
      description: describe(path, modelFolder, run, kind),
      model,
      lora: loaded?.lora,
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
      warnings: loaded?.warnings ?? [],
      [Symbol.dispose]() {
        loaded?.lora[Symbol.dispose]();
        model[Symbol.dispose]();
      },
    };
  } catch (error) {
    model[Symbol.dispose]();
    throw error;
  }
}

/**
 * Finds the parts of a run folder, a PEFT adapter folder, or the folder of a model, and opens none.
 * @param base folder of the base model, in place of what the run or adapter names
 * @throws UserError when it is none of these, or its base is not there
 */
export function findParts(path: string, base: string | undefined): ArtefactParts {
  if (isRunFolder(path)) return partsOfRun(path, base);
  if (existsSync(join(path, "adapter_config.json"))) {
    const named = readConfigJson(path, "adapter_config.json").optionalString("base_model_name_or_path");
    return { kind: "adapter", modelFolder: baseFolder(path, base, named), adapterFolder: path, run: undefined };
  }
  if (existsSync(join(path, "config.json"))) {
    return { kind: "model", modelFolder: path, adapterFolder: undefined, run: undefined };
  }
  throw new UserError({
    code: "artefact/unknown",
    message: existsSync(path)
      ? "this is no run, adapter or model: there is no run.json, adapter_config.json or config.json in it"
      : "there is no such folder",
    where: path,
    fix: "give a run folder of `fettle train`, a PEFT adapter folder, or a Hugging Face model folder",
  });
}

function partsOfRun(path: string, base: string | undefined): ArtefactParts {
  const run = readRunInfo(path);
  const result = join(path, run.weights);
  if (!existsSync(result)) {
    throw new UserError({
      code: "artefact/unfinished-run",
      message: `the run has no result yet: it is ${run.status} at step ${run.steps} of ${run.totalSteps}`,
      where: path,
      fix: "finish it: fettle train RECIPE --resume",
    });
  }
  if (run.weights === "model") return { kind: "run", modelFolder: result, adapterFolder: undefined, run };
  return { kind: "run", modelFolder: baseFolder(path, base, run.base), adapterFolder: result, run };
}

/** The base model's folder: as given, or as named by what lies at `path`, absolute or relative to it or to here. */
function baseFolder(path: string, given: string | undefined, named: string | undefined): string {
  const wanted = given ?? named;
  const places = wanted === undefined ? [] : [resolve(wanted), resolve(path, wanted)];
  const found = places.find((place) => existsSync(join(place, "config.json")));
  if (found !== undefined) return found;
  throw new UserError({
    code: "artefact/no-base",
    message:
      wanted === undefined
        ? "the adapter does not say which base model it belongs to"
        : `the base model "${wanted}" is not there`,
    where: path,
    fix: "say where the base model's folder is, or its name on the hub: --base MODEL",
  });
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

/**
 * As in training, but for full fine-tuning, whose f32 weights were only for the optimizer; without a run, as the
 * checkpoint has them.
 */
function weightFormat(run: RunInfo | undefined, modelFolder: string, device: Device): WeightFormat {
  if (run?.quantization) {
    const { block_size: blockSize, double_quant: doubleQuant } = run.quantization;
    return { kind: "nf4", blockSize, doubleQuant };
  }
  const stored = run === undefined ? readQuantizationConfig(readConfigJson(modelFolder)) : undefined;
  if (stored) return { kind: "nf4", blockSize: 64, doubleQuant: stored.doubleQuant };
  return { kind: device.precision };
}

function describe(path: string, modelFolder: string, run: RunInfo | undefined, kind: Artefact["kind"]): string {
  if (kind === "model") return `model ${modelNameOf(modelFolder)}`;
  const name = basename(resolve(path));
  if (run === undefined) return `adapter ${name} on ${modelNameOf(modelFolder)}`;
  return `run ${name}: ${run.method} on ${modelNameOf(run.base)}, ${run.steps} steps`;
}
