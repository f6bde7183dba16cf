/** What is exported: a model on disk, with the adapter of a run or folder on it. */
import { basename, resolve } from "node:path";
import type { Device } from "../../engine/device/device.ts";
import { loadLora } from "../../model/families/lora.ts";
import { requireWholeHead } from "../../model/families/model.ts";
import { openStreamedModel, type StreamedModel } from "../../model/families/streamed-model.ts";
import { modelNameOf } from "../../model/files/hub/snapshot.ts";
import { type ChatTemplate, loadChatTemplateIfAny } from "../../model/text/chat-template.ts";
import { type Answers, answersOf } from "../../tune/train/answers.ts";
import { type ArtefactParts, findParts } from "../../tune/train/artefact-parts.ts";

export interface ExportSource extends Disposable {
  readonly parts: ArtefactParts;
  /** Of the run, adapter or model: what its files are called by. */
  readonly name: string;
  /** With its adapter, if it has one. */
  readonly model: StreamedModel;
  /** Who answers, and how. */
  readonly answers: Answers;
  readonly template: ChatTemplate | undefined;
  readonly warnings: readonly string[];
}

/**
 * @param base folder of the base model, in place of what the run or adapter names
 * @throws UserError when it is no run, adapter or model, or something in it is damaged
 */
export function openExportSource(path: string, device: Device, base: string | undefined): ExportSource {
  const parts = findParts(path, base);
  const { modelFolder, adapterFolder, run } = parts;
  const template = loadChatTemplateIfAny(modelFolder);
  // A full model's weights are what was trained; an adapter was trained on what 4 bits left of its base.
  const quantization = adapterFolder === undefined ? null : run?.quantization;
  const answers = answersOf(parts);
  const model = openStreamedModel(modelFolder, device, {
    quantization: quantization
      ? { blockSize: quantization.block_size, doubleQuant: quantization.double_quant }
      : undefined,
    classHead: answers.head && { config: answers.head, seed: undefined },
  });
  try {
    if (adapterFolder === undefined) requireWholeHead(model);
    const loaded = adapterFolder === undefined ? undefined : loadLora(model, adapterFolder);
    return {
      parts,
      // Of `ORG/NAME`, the name.
      name: basename(modelNameOf(resolve(path))),
      model,
      answers,
      template,
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
