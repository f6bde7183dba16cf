/** All that one server answers for: a base in memory, and adapters on it that come and go. */
import { UserError } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { nearestName } from "../../base/names.ts";
import type { Device } from "../../engine/device/device.ts";
import { AdapterSet } from "../../model/families/adapter-set.ts";
import { type Model, openModel } from "../../model/families/model.ts";
import type { WeightFormat } from "../../model/families/parameters.ts";
import { modelNameOf } from "../../model/files/hub/snapshot.ts";
import { BatchEngine } from "../../tune/score/batch-engine.ts";
import { openArtefact, weightFormat } from "../../tune/train/artefact.ts";
import { type ArtefactFacts, factsOf } from "../../tune/train/artefact-facts.ts";
import { type ArtefactParts, findParts } from "../../tune/train/artefact-parts.ts";
import { baseOf, type LoadModelOptions, openModelDevice, plainReading, readingOf } from "../api/load-model.ts";
import { folderOf } from "../api/pull.ts";
import { ApiError } from "./http/api-error.ts";
import { ServedModel } from "./served-model.ts";

export interface AdapterName {
  readonly name: string;
  /** Run or adapter folder, or a name on the hub. */
  readonly path: string;
}

export interface ServedModelsOptions extends Omit<LoadModelOptions, "reading"> {
  /** What requests call it; default: the run's or the model's own name. */
  readonly name?: string | undefined;
  readonly adapters?: readonly AdapterName[] | undefined;
  /** Scores each request by itself; see `BatchEngineOptions.scoresApart`. */
  readonly exact?: boolean | undefined;
  /** Of the key-value cache; default: what the engine finds room for. */
  readonly cacheBytes?: number | undefined;
  /** Takes chat templates that are not those of the training. */
  readonly anyTemplate?: boolean | undefined;
}

/** Dispose of it to free everything and close the device. */
export class ServedModels implements AsyncDisposable {
  readonly device: Device;
  readonly engine: BatchEngine;
  readonly #base: Model;
  readonly #baseFacts: ArtefactFacts;
  readonly #format: WeightFormat;
  /** Undefined for a classifier with a head of its own, which takes none. */
  readonly #adapters: AdapterSet | undefined;
  readonly #options: ServedModelsOptions;
  readonly #models = new Map<string, ServedModel>();
  readonly #onEvent: EventSink;

  private constructor(
    device: Device,
    base: Model,
    baseFacts: ArtefactFacts,
    format: WeightFormat,
    options: ServedModelsOptions,
  ) {
    this.device = device;
    this.#base = base;
    this.#baseFacts = baseFacts;
    this.#format = format;
    this.#options = options;
    this.#onEvent = options.onEvent ?? (() => {});
    this.#adapters = base.classHead === undefined ? new AdapterSet(base) : undefined;
    this.engine = new BatchEngine(base, baseFacts.tokenizer, {
      adapters: this.#adapters,
      scoresApart: options.exact,
      cacheBytes: options.cacheBytes,
    });
  }

  /**
   * Opens a run, an adapter or a model, and the adapters beside it.
   * @throws UserError when one cannot be opened, or two have the same name
   */
  static async open(name: string, options: ServedModelsOptions): Promise<ServedModels> {
    const { onEvent = () => {}, anyTemplate, recipe } = options;
    const path = await folderOf(name, { onEvent });
    const base = await baseOf(path, options.base, onEvent);
    const parts = findParts(path, base);
    const reading = readingOf(path, recipe);
    const facts = factsOf(path, parts, { template: reading?.template, anyTemplate });
    const device = await openModelDevice(options);
    let models: ServedModels | undefined;
    try {
      models =
        facts.answers.head === undefined
          ? ServedModels.#ofWords(device, parts, facts, options)
          : ServedModels.#ofClassifier(device, path, base, facts, options);
      for (const adapter of options.adapters ?? []) {
        await models.load(adapter.name, await folderOf(adapter.path, { onEvent }));
      }
      return models;
    } catch (error) {
      if (models === undefined) device.close();
      else await models[Symbol.asyncDispose]();
      throw error;
    }
  }

  static #ofWords(
    device: Device,
    parts: ArtefactParts,
    facts: ArtefactFacts,
    options: ServedModelsOptions,
  ): ServedModels {
    const { modelFolder, adapterFolder } = parts;
    const format = weightFormat(parts, device);
    const { tokenizer } = facts;
    const alone = adapterFolder === undefined;
    const plain = { kind: "model", modelFolder, adapterFolder: undefined, run: undefined } as const;
    const baseFacts = alone ? facts : factsOf(modelFolder, plain, { tokenizer });
    const models = new ServedModels(device, openModel(modelFolder, device, { format }), baseFacts, format, options);
    const name = options.name ?? modelNameOf(facts.path);
    models.#add(alone ? name : modelNameOf(modelFolder), baseFacts, undefined, null, options.recipe);
    if (!alone) models.#attach(name, facts, adapterFolder, options.recipe);
    return models;
  }

  /** A head stands outside the decoder, and each classifier has its own: it is served alone. */
  static #ofClassifier(
    device: Device,
    path: string,
    base: string | undefined,
    { templateOptions: template }: ArtefactFacts,
    options: ServedModelsOptions,
  ): ServedModels {
    const artefact = openArtefact(path, { device, base, template, anyTemplate: options.anyTemplate });
    for (const message of artefact.warnings) options.onEvent?.({ kind: "note", level: "warning", message });
    const models = new ServedModels(device, artefact.model, artefact, { kind: device.precision }, options);
    models.#add(options.name ?? modelNameOf(path), artefact, undefined, null, options.recipe);
    return models;
  }

  /** In the order in which they came. */
  get all(): readonly ServedModel[] {
    return [...this.#models.values()];
  }

  /** @throws ApiError 404 for a name that nothing is served under */
  get(id: string): ServedModel {
    const model = this.#models.get(id);
    if (model !== undefined) return model;
    const nearest = nearestName(id.slice(0, 200), [...this.#models.keys()]);
    const hint = nearest === undefined ? "GET /v1/models lists those that there are" : `did you mean "${nearest}"?`;
    throw new ApiError({
      status: 404,
      message: `there is no model "${id.slice(0, 200)}"; ${hint}`,
      param: "model",
      code: "model_not_found",
    });
  }

  /**
   * Puts an adapter beside the others.
   * @param folder a run or an adapter
   * @returns what in its folder was left out, and what may be wrong with it
   * @throws UserError when the name is taken, or it is no adapter, damaged, or of another base
   */
  async load(name: string, folder: string): Promise<readonly string[]> {
    const base = this.#base.folder;
    if (this.#adapters === undefined) throw noAdapters(folder);
    const parts = findParts(folder, base);
    if (parts.adapterFolder === undefined) {
      throw new UserError({
        code: "serve/no-adapter",
        message: "this is a model, not an adapter",
        where: folder,
        fix: "serve it by itself: fettle serve FOLDER",
      });
    }
    const { tokenizer } = this.#baseFacts;
    const { anyTemplate } = this.#options;
    const template = readingOf(folder, undefined)?.template;
    const facts = factsOf(folder, parts, { base, template, anyTemplate, tokenizer });
    if (facts.answers.head !== undefined) throw noAdapters(folder);
    return [...this.#attach(name, facts, parts.adapterFolder, undefined), ...this.#doubts(parts)];
  }

  /** Takes an adapter away when what was asked of it is answered; from now on it is not known. @throws ApiError 404, 409 */
  async unload(name: string): Promise<void> {
    const { adapter } = this.get(name);
    if (adapter === undefined) {
      throw new ApiError({ status: 409, message: `"${name}" is no adapter`, param: "name", code: "not_an_adapter" });
    }
    this.#models.delete(name);
    await this.engine.detach(adapter);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close();
    this.#adapters?.[Symbol.dispose]();
    this.#base[Symbol.dispose]();
    this.device.close();
  }

  #attach(name: string, facts: ArtefactFacts, folder: string, recipe: string | undefined): readonly string[] {
    if (this.#models.has(name)) throw nameTaken(name);
    const warnings = this.engine.attach(name, folder);
    for (const message of warnings) this.#onEvent({ kind: "note", level: "warning", message });
    this.#add(name, facts, name, modelNameOf(this.#base.folder), recipe);
    return warnings;
  }

  #add(
    id: string,
    facts: ArtefactFacts,
    adapter: string | undefined,
    parent: string | null,
    recipe: string | undefined,
  ): void {
    if (this.#models.has(id)) throw nameTaken(id);
    const reading = readingOf(facts.path, recipe) ?? plainReading(facts);
    const { engine } = this;
    const parts = { id, engine, weights: this.#base, adapter, facts, reading, modelFolder: this.#base.folder, parent };
    this.#models.set(id, new ServedModel(parts));
  }

  /** What an adapter was trained over, where that is not what it is put on. */
  #doubts({ run }: ArtefactParts): readonly string[] {
    const [trained, served] = [run?.quantization ? "nf4" : "plain", this.#format.kind === "nf4" ? "nf4" : "plain"];
    if (run === undefined || trained === served) return [];
    const message = `the run was trained over ${trained === "nf4" ? "4-bit" : "16- or 32-bit"} weights, which the base that is served has not: its answers differ a little from those of the run alone`;
    this.#onEvent({ kind: "note", level: "warning", message });
    return [message];
  }
}

function nameTaken(name: string): UserError {
  return new UserError({
    code: "serve/name-taken",
    message: `there is a model "${name}" already`,
    fix: "give another name: --adapter NAME=PATH, --name NAME",
  });
}

function noAdapters(folder: string): UserError {
  return new UserError({
    code: "serve/class-head",
    message: "a classifier with a head of its own is served alone, without adapters beside it",
    where: folder,
    fix: "serve it by itself: fettle serve FOLDER --port PORT",
  });
}
