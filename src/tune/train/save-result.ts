/** The result of a run: an adapter folder as PEFT writes it, or a whole Hugging Face model folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { EventSink } from "../../base/events.ts";
import { type Model, saveModel } from "../../model/families/model.ts";
import { makeFolder, replaceFolder } from "../../model/files/atomic.ts";
import { classifierKeys } from "../../model/files/classifier-config.ts";
import { copyCompanions } from "../../model/files/companion-files.ts";
import { fileError } from "../../model/files/file-error.ts";
import type { JsonValue } from "../../model/files/json-file.ts";
import { type ClassifierFile, writeClassifier } from "./classifier-file.ts";
import { keepCalibration } from "./keep-calibration.ts";
import type { Trainee } from "./method.ts";

/** What lies beside the weights. */
export interface SavedBeside {
  /** Of a classification. */
  readonly classifier: ClassifierFile | undefined;
  /** The tokenizer's, for transformers' classifiers. */
  readonly padToken: number | undefined;
}

/**
 * Writes `adapter/` or `model/` into the run folder; it appears whole or not at all. What `fettle calibrate` chose for the
 * same weights stays.
 * @returns the folder
 * @throws UserError when the disk is full; checkpoints are untouched then.
 */
export async function saveResult(
  { model, lora }: Trainee,
  runFolder: string,
  beside: SavedBeside,
  onEvent: EventSink = () => {},
): Promise<string> {
  const final = join(runFolder, lora ? "adapter" : "model");
  let temporary: string | undefined;
  try {
    makeFolder(runFolder);
    temporary = mkdtempSync(join(runFolder, ".writing-"));
    if (lora) {
      lora.save(temporary);
    } else {
      const dtype = model.configJson.optionalString("dtype") ?? model.configJson.optionalString("torch_dtype");
      // What names none is in f32 for transformers; of decoders that is as good as never meant.
      const narrow = dtype === undefined ? model.decoder.config.encoder === undefined : dtype !== "float32";
      saveModel(model, temporary, narrow ? "BF16" : "F32", configKeys(model, beside));
      copyCompanions(model.folder, temporary);
    }
    if (beside.classifier) {
      writeClassifier(temporary, await keepCalibration(beside.classifier, final, temporary, onEvent));
    }
    replaceFolder(temporary, final);
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
    throw fileError("write", final, error);
  }
  return final;
}

/** What config.json says of a class head. */
function configKeys(
  { configJson, classHead, decoder }: Model,
  { classifier, padToken }: SavedBeside,
): Record<string, JsonValue> {
  if (classHead === undefined || classifier === undefined) return {};
  // Of an encoder the padding token is its own affair: RoBERTa counts positions from it.
  const pad = decoder.config.encoder ? undefined : padToken;
  return classifierKeys(configJson, classifier.labels, classifier.problem_type, pad);
}
