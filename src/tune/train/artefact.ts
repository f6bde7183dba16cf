/** What training made, or what it starts from, opened to score and generate: a run, an adapter, or a model folder. */
import type { Device } from "../../engine/device/device.ts";
import { type Lora, loadLora } from "../../model/families/lora.ts";
import { type Model, openModel, requireWholeHead } from "../../model/families/model.ts";
import type { WeightFormat } from "../../model/families/parameters.ts";
import { readConfigJson } from "../../model/files/config.ts";
import { readQuantizationConfig } from "../../model/files/quantization-config.ts";
import { type ArtefactFacts, type ArtefactFactsOptions, factsOf } from "./artefact-facts.ts";
import { type ArtefactParts, findParts } from "./artefact-parts.ts";
import type { OpenModel } from "./method.ts";

export interface ArtefactOptions extends ArtefactFactsOptions {
  readonly device: Device;
  /** For a base that may be in memory already. */
  readonly open?: OpenModel | undefined;
}

/** A model ready to use, with all that its answers depend on. Disposing of it frees its memory. */
export interface Artefact extends ArtefactFacts, Disposable {
  readonly model: Model;
  readonly lora: Lora | undefined;
  /** What was found in the folder and left out. */
  readonly warnings: readonly string[];
}

/**
 * Opens a run folder, a PEFT adapter folder, or the folder of a model.
 * @throws UserError when it is none of these, its base is not there, something in it is damaged, or the chat template
 *   is not the one that the run was trained with.
 */
export function openArtefact(path: string, options: ArtefactOptions): Artefact {
  const { device, base, open = openModel } = options;
  const parts = findParts(path, base);
  const facts = factsOf(path, parts, options);
  const { modelFolder, adapterFolder } = parts;
  const { head } = facts.answers;
  const classHead = head && { config: head, seed: undefined };
  const model = open(modelFolder, device, { format: weightFormat(parts, device), classHead });
  try {
    if (adapterFolder === undefined) requireWholeHead(model);
    const loaded = adapterFolder === undefined ? undefined : loadLora(model, adapterFolder);
    return {
      ...facts,
      model,
      lora: loaded?.lora,
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
 * How the weights of what is opened are held: as in training, but for full fine-tuning, whose f32 weights were only for the
 * optimizer; without a run, as the checkpoint has them.
 */
export function weightFormat({ run, modelFolder }: ArtefactParts, device: Device): WeightFormat {
  if (run?.quantization) {
    const { block_size: blockSize, double_quant: doubleQuant } = run.quantization;
    return { kind: "nf4", blockSize, doubleQuant };
  }
  const stored = run === undefined ? readQuantizationConfig(readConfigJson(modelFolder)) : undefined;
  if (stored) return { kind: "nf4", blockSize: 64, doubleQuant: stored.doubleQuant };
  return { kind: device.precision };
}
