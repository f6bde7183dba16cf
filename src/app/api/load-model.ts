/** A run, an adapter or a model, opened to be asked. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { EventSink } from "../../base/events.ts";
import { loadRecipe } from "../../base/recipe/load.ts";
import type { DataOptions, TemplateOptions } from "../../base/recipe/recipe.ts";
import type { Device } from "../../engine/device/device.ts";
import { type DeviceOptions, openDevice } from "../../engine/open-device.ts";
import type { FileOptions } from "../../tune/data/data-files.ts";
import { type Artefact, openArtefact } from "../../tune/train/artefact.ts";
import type { ArtefactFacts } from "../../tune/train/artefact-facts.ts";
import { absentBase } from "../../tune/train/base-model.ts";
import { isRunFolder } from "../../tune/train/run-folder.ts";
import { deviceEnvironment } from "../environment.ts";
import { folderOf, pull } from "./pull.ts";

export interface LoadModelOptions {
  /** Where it runs; default `auto`: cpu where a C compiler is found, otherwise reference. */
  readonly device?: DeviceOptions["device"] | undefined;
  /** What products compute in; default `auto`: bf16 where the CPU has instructions for it. */
  readonly precision?: DeviceOptions["precision"] | undefined;
  /** CPU threads; default: all that this process may use. */
  readonly threads?: number | undefined;
  /** Base model, in place of what the run or adapter names: a folder, or `ORG/NAME` on the hub. */
  readonly base?: string | undefined;
  /** Recipe file that says how rows are read and become conversations; a run brings its own. */
  readonly recipe?: string | undefined;
  /** How rows are read, in place of a recipe. */
  readonly reading?: Reading | undefined;
  /** Told of choices and warnings. */
  readonly onEvent?: EventSink | undefined;
}

/** How the rows of a file are read: the sections `data` and `template` of a recipe. */
export interface Reading {
  readonly data: FileOptions & Pick<DataOptions, "labels">;
  readonly template: TemplateOptions;
  /** Whether rows have a list of labels; default: as the model was trained. */
  readonly multiLabel?: boolean | undefined;
  /** Of two labels, the one that scores and the threshold are about; default: as the model was trained. */
  readonly positiveLabel?: string | null | undefined;
}

/** A model on its device. Dispose of it (`using model = await loadModel(…)`) to free its memory. */
export interface LoadedModel extends Disposable {
  readonly artefact: Artefact;
  readonly device: Device;
  /** How rows were read in training, or as the recipe or the defaults say. */
  readonly reading: Reading;
}

/**
 * Opens a run folder, a PEFT adapter folder or a Hugging Face model folder; or a model or adapter of the hub by its
 * name, `ORG/NAME[@REVISION]`, which is fetched, as is the base of a run or adapter where it is not here.
 *
 *     using model = await loadModel("runs/quickstart");
 *     const { accuracy } = await evaluate(model, { data: ["test.jsonl"] });
 *
 * @throws UserError when it is none of these, or damaged, or its base is not there or cannot be fetched
 */
export async function loadModel(name: string, options: LoadModelOptions = {}): Promise<LoadedModel> {
  const { onEvent = () => {} } = options;
  const path = await folderOf(name, { onEvent });
  const base = await baseOf(path, options.base, onEvent);
  const reading = options.reading ?? readingOf(path, options.recipe);
  const device = await openModelDevice(options);
  try {
    const artefact = openArtefact(path, { device, base, template: reading?.template });
    for (const message of artefact.warnings) onEvent({ kind: "note", level: "warning", message });
    return {
      artefact,
      device,
      reading: reading ?? plainReading(artefact),
      [Symbol.dispose]() {
        artefact[Symbol.dispose]();
        device.close();
      },
    };
  } catch (error) {
    device.close();
    throw error;
  }
}

/** The device that was asked for, told with what is to be known of it. @throws UserError when it is not there */
export async function openModelDevice({
  device: wanted,
  precision,
  threads,
  onEvent = () => {},
}: Pick<LoadModelOptions, "device" | "precision" | "threads" | "onEvent">): Promise<Device> {
  const { device, reason, notes } = await openDevice({
    ...deviceEnvironment(),
    ...(wanted && { device: wanted }),
    ...(precision && { precision }),
    threads,
  });
  onEvent({ kind: "choice", name: "device", value: device.description, reason });
  for (const message of notes) onEvent({ kind: "note", level: "warning", message });
  return device;
}

/** How rows are read where no recipe says. */
export function plainReading({ columns, labels, templateOptions }: ArtefactFacts): Reading {
  return {
    data: { format: "auto", header: "auto", columns, labels: labels ?? null },
    template: templateOptions,
  };
}

/** The folder of the base that was asked for, or of one that must be fetched; undefined where it needs no word. */
export async function baseOf(path: string, given: string | undefined, onEvent: EventSink): Promise<string | undefined> {
  if (given !== undefined) return folderOf(given, { onEvent });
  const absent = absentBase(path);
  return absent && (await pull(`${absent.repo}@${absent.revision}`, { onEvent })).folder;
}

/** By the recipe given, or the one that lies in the run folder; undefined without either. */
export function readingOf(path: string, recipe: string | undefined): Reading | undefined {
  const inRun = join(path, "recipe.yaml");
  const file = recipe ?? (isRunFolder(path) && existsSync(inRun) ? inRun : undefined);
  if (file === undefined) return undefined;
  const { data, template, problem_type, evaluation } = loadRecipe(file, { purpose: "evaluate" }).recipe;
  const multiLabel = problem_type === "multi_label_classification";
  return { data, template, multiLabel, positiveLabel: evaluation.positive_label };
}
