import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError, UserErrors } from "../../base/errors.ts";
import type { EventSink } from "../../base/events.ts";
import { type DeviceOptions, openDevice } from "../../engine/open-device.ts";
import { openRounded } from "../../model/families/gguf/rounded-model.ts";
import { type Model, openModel } from "../../model/families/model.ts";
import type { GgmlType } from "../../model/files/gguf-types.ts";
import { findParts } from "../../tune/train/artefact-parts.ts";
import { answersBefore, type MergeDifference, refuseLargeDifference } from "../../tune/train/merge-difference.ts";
import { deviceEnvironment, runEnvironment } from "../environment.ts";
import { exportGguf, ggufTypeOf } from "../export/export-gguf.ts";
import { exportSafetensors, type FloatFormat } from "../export/export-safetensors.ts";
import { openExportSource } from "../export/export-source.ts";
import { checkForVllm, copyAdapter } from "../export/vllm-adapter.ts";
import { fillFolder } from "../output-folder.ts";
import { baseOf } from "./load-model.ts";
import { folderOf } from "./pull.ts";

/**
 * `safetensors`: a Hugging Face folder with the adapter merged in. `gguf`: a file for llama.cpp and a Modelfile for
 * Ollama. `vllm`: the adapter as it is, after a check that vLLM takes it.
 */
export type ExportFormat = "safetensors" | "gguf" | "vllm";

export const exportFormats: readonly ExportFormat[] = ["safetensors", "gguf", "vllm"];
/** Of weights; the last two in GGUF files only. */
export const exportDtypes: readonly GgmlType[] = ["f32", "f16", "bf16", "q8_0", "q4_k"];

export interface ExportOptions {
  readonly format: ExportFormat;
  /** Folder to be made. */
  readonly output: string;
  /** Of the weights; default: the base model's. `q8_0` and `q4_k` for gguf only. */
  readonly dtype?: GgmlType | undefined;
  /** Base model, in place of what the run or adapter names: a folder, or `ORG/NAME` on the hub. */
  readonly base?: string | undefined;
  /** Where 4-bit bases are unpacked; default `auto`. */
  readonly device?: DeviceOptions["device"] | undefined;
  /**
   * For a run with a validation set: by how much log-probabilities of the answers (of a class head: logits) may differ in
   * the mean between the adapter over its base and the merged model; `off` does not measure. Default 0.05: rounding to
   * bf16 stays well below, and a probability then changes by less than 5 % of itself. q8_0 and q4_k, which are asked for to
   * give something up, are held to a limit only where one is given.
   */
  readonly maxDifference?: number | "off" | undefined;
  /** Told of warnings, and how far it is. */
  readonly onEvent?: EventSink | undefined;
}

export interface ExportResult {
  readonly format: ExportFormat;
  /** Absolute. */
  readonly output: string;
  /** Files in it, and their bytes. */
  readonly files: Readonly<Record<string, number>>;
  /** What the reader of the files does otherwise than the model. */
  readonly notes: readonly string[];
  /** What merging changed, where it was measured. */
  readonly difference?: MergeDifference | undefined;
  /** A command line that uses the result. */
  readonly usage: string;
}

const MAX_DIFFERENCE = 0.05;

/**
 * Writes a run, an adapter or a model in the form that another program loads.
 *
 *     const { files } = await exportModel("runs/mine", { format: "gguf", dtype: "q8_0", output: "exports/mine" });
 *
 * @param name run folder, adapter folder or model folder, or `ORG/NAME` on the hub
 * @throws UserError when it cannot be read, the other program cannot use it, or the output is there already
 */
export async function exportModel(name: string, options: ExportOptions): Promise<ExportResult> {
  const { format, onEvent = () => {} } = options;
  const path = await folderOf(name, { onEvent });
  const base = await baseOf(path, options.base, onEvent);
  const { notes, usage, difference } =
    format === "vllm" ? exportForVllm(path, base, options) : await exportMerged(path, base, options);
  for (const message of notes) onEvent({ kind: "note", level: "warning", message });
  const output = resolve(options.output);
  const files = Object.fromEntries(readdirSync(output).map((file) => [file, statSync(join(output, file)).size]));
  return { format, output, files, notes, ...(difference && { difference }), usage };
}

type Exported = Pick<ExportResult, "notes" | "usage" | "difference">;

function exportForVllm(path: string, base: string | undefined, { output, dtype }: ExportOptions): Exported {
  if (dtype !== undefined) {
    throw new UserError({
      code: "export/dtype",
      message: "an adapter for vLLM is copied as it is",
      where: "--dtype",
      fix: "leave --dtype out",
    });
  }
  const parts = findParts(path, base);
  const { maxRank, notes } = checkForVllm(parts);
  fillFolder(output, (folder) => copyAdapter(parts.adapterFolder!, folder));
  const usage = `vllm serve ${parts.modelFolder} --enable-lora --max-lora-rank ${maxRank} --lora-modules mine=${output}`;
  return { notes, usage };
}

async function exportMerged(path: string, base: string | undefined, options: ExportOptions): Promise<Exported> {
  const { format, output, dtype, device: wanted, onEvent = () => {} } = options;
  const plain = isQuantized(dtype) ? undefined : dtype;
  if (format === "safetensors" && plain !== dtype) throw quantizedSafetensors(dtype!);
  const { device } = await openDevice({ ...deviceEnvironment(), ...(wanted && { device: wanted }), precision: "f32" });
  try {
    using source = openExportSource(path, device, base);
    for (const message of source.warnings) onEvent({ kind: "note", level: "warning", message });
    const onProgress = (done: number, total: number): void =>
      onEvent({ kind: "progress", task: "writing", done, total, unit: "tensors" });
    const limit = options.maxDifference ?? (isQuantized(dtype) ? Number.POSITIVE_INFINITY : MAX_DIFFERENCE);
    const measured = source.parts.kind === "run" && source.parts.adapterFolder !== undefined && limit !== "off";
    const before = measured
      ? await measurable(() => answersBefore(path, source.parts, device, base, runEnvironment()), onEvent)
      : undefined;
    const compared = (open: () => Model): MergeDifference | undefined => {
      if (before === undefined || limit === "off") return undefined;
      using merged = open();
      const found = before.compare(merged);
      onEvent({ kind: "note", level: "info", message: describeDifference(found) });
      refuseLargeDifference(found, limit);
      return found;
    };
    return fillFolder(output, (folder): Exported => {
      if (format === "gguf") {
        const type = ggufTypeOf(source, dtype);
        const difference = compared(() => openRounded(source.model, device, type));
        const notes = exportGguf(source, folder, { type, onProgress });
        return { notes, difference, usage: `ollama create ${source.name} -f ${join(output, "Modelfile")}` };
      }
      exportSafetensors(source, folder, { dtype: plain as FloatFormat, onProgress });
      const classHead = before?.classHead;
      const difference = compared(() => openModel(folder, device, { format: { kind: "f32" }, classHead }));
      const usage = source.answers.head ? `fettle predict ${output} --text TEXT` : `vllm serve ${output}`;
      return { notes: [], difference, usage };
    });
  } finally {
    device.close();
  }
}

function isQuantized(dtype: GgmlType | undefined): boolean {
  return dtype === "q8_0" || dtype === "q4_k";
}

/** Validation rows may be gone by the time of the export: then there is nothing to measure with, and that is told. */
async function measurable<T>(measure: () => Promise<T>, onEvent: EventSink): Promise<T | undefined> {
  try {
    return await measure();
  } catch (error) {
    if (!(error instanceof UserError || error instanceof UserErrors)) throw error;
    const message = `what merging changes is not measured: ${error.message}`;
    onEvent({ kind: "note", level: "warning", message });
    return undefined;
  }
}

function describeDifference({ rows, of, mean, max }: MergeDifference): string {
  return `merged, ${of} of ${rows} validation rows differ by ${mean.toPrecision(2)} in the mean, ${max.toPrecision(2)} at most`;
}

function quantizedSafetensors(dtype: GgmlType): UserError {
  return new UserError({
    code: "export/dtype",
    message: `${dtype} is a format of GGUF files`,
    where: "--dtype",
    fix: "take --format gguf, or --dtype f32, f16 or bf16",
  });
}
